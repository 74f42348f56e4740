"""``storefront`` (HTTP): what shoppers talk to, as REST, as one GraphQL endpoint and as pages; asks ``orders``."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from aiohttp import web

from examples.shop import addresses, storefront_graphql
from examples.shop.errors import ShopError
from examples.shop.http_client import Answer, HttpClient
from examples.shop.process import Service
from examples.shop.storefront_pages import Pages
from examples.shop.web import json_object, serving_http

PASSED_ON = ("Location", "Idempotent-Replayed")


class Storefront:
    """The operations for shoppers. It keeps nothing itself."""

    def __init__(self, orders: HttpClient) -> None:
        self._orders = orders

    async def product_page(self, request: web.Request) -> web.Response:
        """A product with price and stock."""
        return web.json_response(await self._find_product(request.match_info["sku"]))

    async def checkout(self, request: web.Request) -> web.Response:
        """Place an order; ``Idempotency-Key`` is passed on."""
        key = request.headers.get("Idempotency-Key")
        answer = await self._place(await json_object(request), key)
        headers = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
        return web.json_response(answer.body, status=answer.status, headers=headers)

    async def order_page(self, request: web.Request) -> web.Response:
        """An order by its id."""
        return web.json_response(await self._find_order(request.match_info["order_id"]))

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancel an order."""
        return web.json_response(await self._cancel_order(request.match_info["order_id"]))

    async def graphql(self, request: web.Request) -> web.Response:
        """The same as GraphQL; refusals become errors with their code in ``extensions``."""
        resolvers: dict[str, storefront_graphql.Resolver] = {
            "product": self._find_product,
            "order": self._find_order,
            "placeOrder": self._place_order,
            "cancelOrder": self._cancel_order,
        }
        return web.json_response(await storefront_graphql.answer(resolvers, await json_object(request)))

    def pages(self) -> Pages:
        """The same for people with a browser."""
        return Pages(self._find_product, self._place_order, self._find_order)

    async def _find_product(self, sku: str) -> dict[str, Any]:
        return (await self._ask("GET", f"/products/{quote(sku, '')}", "/products/{sku}")).body

    async def _find_order(self, id: str) -> dict[str, Any]:
        return (await self._ask("GET", f"/orders/{quote(id, '')}", "/orders/{order_id}")).body

    async def _cancel_order(self, id: str) -> dict[str, Any]:
        return (await self._ask("POST", f"/orders/{quote(id, '')}/cancel", "/orders/{order_id}/cancel")).body

    async def _place_order(self, input: dict[str, Any], idempotencyKey: str | None = None) -> dict[str, Any]:  # noqa: N803
        return (await self._place(input, idempotencyKey)).body

    async def _place(self, basket: Mapping[str, Any], key: str | None) -> Answer:
        return await self._ask("POST", "/orders", "/orders", basket, {"Idempotency-Key": key} if key else {})

    async def _ask(
        self,
        method: str,
        path: str,
        route: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call orders; its refusals are passed on as they are."""
        answer = await self._orders.call(method, path, route=route, body=body, headers=headers)
        if answer.status >= 400:
            raise ShopError.from_answer(answer.status, answer.body)
        return answer


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[None]:
    """Serve HTTP at ``SHOP_STOREFRONT_URL`` until the context ends."""
    async with HttpClient.open("orders", addresses.url("orders"), timeout_seconds=8) as orders:
        storefront = Storefront(orders)
        pages = storefront.pages()
        operations = {
            "product": ("GET", "/products/{sku}", storefront.product_page),
            "checkout": ("POST", "/checkout", storefront.checkout),
            "order": ("GET", "/orders/{order_id}", storefront.order_page),
            "cancel": ("POST", "/orders/{order_id}/cancel", storefront.cancel),
            "graphql": ("POST", "/graphql", storefront.graphql),
            "page-products": ("GET", "/shop", pages.products),
            "page-product": ("GET", "/shop/{sku}", pages.product),
            "page-order": ("POST", "/shop/{sku}", pages.order),
            "page-of-order": ("GET", "/shop/orders/{order_id}", pages.order_page),
        }
        async with serving_http(service, operations, {}):
            yield
