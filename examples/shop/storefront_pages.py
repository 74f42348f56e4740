"""The pages of ``storefront`` for people: products, an order form, and an order that tells how it goes."""

from collections.abc import Awaitable, Callable, Mapping
from html import escape
from string import Template
from typing import Any

from aiohttp import web

from examples.shop.errors import ShopError

Find = Callable[[str], Awaitable[dict[str, Any]]]
Place = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

_FRAME = Template("""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>$title · Shop</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; color: #1f2933; }
form, .card { border: 1px solid #cbd2d9; border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
label { display: block; margin: .5rem 0; } input, select { font: inherit; display: block; padding: .25rem .5rem; }
button { font: inherit; padding: .4rem 1rem; border: 0; border-radius: .4rem; background: #0b69a3; color: #fff; }
button:disabled { background: #9aa5b1; } .error { color: #ab091e; }
</style></head><body><header><a href="/shop">Shop</a></header><main><h1>$title</h1>$body</main></body></html>""")

_SEARCH = """<form action="/shop"><label>Products <input name="skus" value="{skus}"></label>
<button>Show</button></form>"""
_LINE = '<li class="product card"><a href="/shop/{sku}">{name}</a> <b>{price}</b> <span>{stock}</span></li>'
_PRODUCT = """<p>Price <b data-testid="price">{price}</b>, <span data-testid="stock">{stock}</span></p>{error}
<form method="post" action="/shop/{sku}">
<label>Quantity <input name="quantity" type="number" min="1" value="1" required></label>
<label>E-mail <input name="email" type="email" required></label>
<label>Card <select name="card"><option value="tok_visa">Visa</option>
<option value="tok_mastercard">Mastercard</option><option value="tok_declined">Expired card</option></select></label>
<button{disabled}>Buy</button></form>"""
_ORDER = """<p>Order <code data-testid="order-id">{id}</code></p>
<p>{quantity} × {sku}, together <b data-testid="total">{total}</b></p>
<p>It is <b data-testid="status" role="status">{status}</b>.</p>
<script>
const status = document.querySelector("[data-testid=status]");
async function look() {{
  const order = await (await fetch("/orders/{id}")).json();
  status.textContent = order.status;
  if (!["paid", "payment_failed", "rejected", "cancelled"].includes(order.status)) setTimeout(look, 200);
}}
look();
</script>"""


def money(cents: int) -> str:
    """An amount as people read it: ``68.00 EUR``."""
    return f"{cents / 100:.2f} EUR"


class Pages:
    """Pages over the operations of the storefront: *find* a product, *place* an order, *find_order*."""

    def __init__(self, find: Find, place: Place, find_order: Find) -> None:
        self._find = find
        self._place = place
        self._find_order = find_order

    async def products(self, request: web.Request) -> web.Response:
        """``/shop?skus=a,b``: these products, and a form to ask for others."""
        skus = [sku.strip() for sku in request.query.get("skus", "").split(",") if sku.strip()]
        lines = [_LINE.format(**_shown(await self._find(sku))) for sku in skus[:20]]
        search = _SEARCH.format(skus=escape(",".join(skus)))
        return _page("Products", search + (f"<ul>{''.join(lines)}</ul>" if lines else "<p>Which products?</p>"))

    async def product(self, request: web.Request) -> web.Response:
        """A product with the form to order it."""
        return await self._product_page(request.match_info["sku"])

    async def order(self, request: web.Request) -> web.Response:
        """Takes the form; leads to the page of the order, or shows why there is none."""
        sku, form = request.match_info["sku"], await request.post()
        given = {name: str(form.get(name, "")) for name in ("quantity", "email", "card")}
        quantity = int(given["quantity"]) if given["quantity"].isdigit() else 0
        try:
            placed = await self._place({**given, "sku": sku, "quantity": quantity})
        except ShopError as error:
            return await self._product_page(sku, error)
        return web.Response(status=303, headers={"Location": f"/shop/orders/{placed['id']}"})

    async def order_page(self, request: web.Request) -> web.Response:
        """An order; its state changes by itself."""
        try:
            order = await self._find_order(request.match_info["order_id"])
        except ShopError as error:
            return _refused(error)
        line = order["lines"][0]
        shown = {"id": order["id"], "status": order["status"], "sku": line["sku"], "quantity": line["quantity"]}
        escaped = {name: escape(str(value)) for name, value in shown.items()}
        return _page("Thank you", _ORDER.format(**escaped, total=money(order["total"])))

    async def _product_page(self, sku: str, error: ShopError | None = None) -> web.Response:
        try:
            shown = _shown(await self._find(sku))
        except ShopError as refusal:
            return _refused(refusal)
        told = f'<p class="error" role="alert">{escape(error.message)}</p>' if error else ""
        return _page(shown["name"], _PRODUCT.format(**shown, error=told), error.status if error else 200)


def _shown(product: Mapping[str, Any]) -> dict[str, str]:
    available = int(product["available"])
    return {
        "sku": escape(str(product["sku"])),
        "name": escape(str(product["name"])),
        "price": money(product["unit_price"]),
        "stock": f"{available} in stock" if available else "sold out",
        "disabled": "" if available else " disabled",
    }


def _refused(error: ShopError) -> web.Response:
    return _page("Sorry", f'<p class="error" role="alert">{escape(error.message)}</p>', error.status)


def _page(title: str, body: str, status: int = 200) -> web.Response:
    text = _FRAME.substitute(title=title, body=body)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
