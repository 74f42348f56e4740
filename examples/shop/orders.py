"""``orders`` (HTTP): takes orders, reserves goods, charges the card, and tells the others.

pending → authorised (the charge was accepted) → paid (the webhook of payments confirmed it);
rejected (not in stock), payment_failed, cancelled.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from examples.shop import addresses
from examples.shop.database import Database, Row
from examples.shop.errors import ShopError, count_of, email_of, text_of
from examples.shop.http_client import Answer, HttpClient
from examples.shop.inventory_client import InventoryClient
from examples.shop.order_events import publish
from examples.shop.order_store import OrderStore
from examples.shop.payment_signature import fits
from examples.shop.process import Service
from examples.shop.web import json_object, serving_http

CURRENCY = "EUR"


class Orders:
    """The operations of the orders service."""

    def __init__(self, service: Service, store: OrderStore, inventory: InventoryClient, payments: HttpClient) -> None:
        self._service = service
        self._store = store
        self._inventory = inventory
        self._payments = payments
        self._api_key = addresses.required("SHOP_PAYMENTS_API_KEY")
        self._webhook_url = f"{addresses.url('orders')}/webhooks/payments"

    async def create_order(self, request: web.Request) -> web.Response:
        """Place an order; the same ``Idempotency-Key`` gives the same order again."""
        body = await json_object(request)
        wanted = {"sku": text_of(body, "sku"), "quantity": count_of(body, "quantity")}
        wanted |= {"email": email_of(body, "email"), "currency": CURRENCY}
        card = text_of(body, "card")
        key = request.headers.get("Idempotency-Key")
        order = await self._store.place(wanted, key)
        if order is None:
            earlier = await self._store.by_key(key or "")
            return web.json_response(_shown(earlier or {}), headers={"Idempotent-Replayed": "true"})
        order = await self._reserve(order)
        await publish(self._service, "order.placed", order)
        order = await self._charge(order, card)
        self._service.log.info("order placed", order=order["id"], sku=order["sku"], status=order["status"])
        return web.json_response(_shown(order), status=201, headers={"Location": f"/orders/{order['id']}"})

    async def get_order(self, request: web.Request) -> web.Response:
        """One order by its id."""
        return web.json_response(_shown(await self._found(request)))

    async def cancel_order(self, request: web.Request) -> web.Response:
        """Cancel an order: goods go back, a charge is refunded."""
        order = await self._found(request)
        cancelled = await self._store.move(order["id"], to="cancelled", allowed_from=("pending", "authorised", "paid"))
        if cancelled is None:
            raise ShopError(409, "not_cancellable", f"the order is {order['status']}")
        if cancelled["reservation_id"]:
            await self._inventory.release(cancelled["reservation_id"])
        if cancelled["charge_id"]:
            route = "/v1/charges/{charge_id}/refund"
            await self._ask_payments(route.format(charge_id=cancelled["charge_id"]), route=route)
        await publish(self._service, "order.cancelled", cancelled)
        return web.json_response(_shown(cancelled))

    async def product(self, request: web.Request) -> web.Response:
        """A product with its price (cents) and stock, as ``inventory`` knows it."""
        stock = await self._inventory.get_stock(request.match_info["sku"])
        shown = {"sku": stock.sku, "name": stock.name, "unit_price": stock.unit_price, "currency": CURRENCY}
        return web.json_response(shown | {"available": stock.available})

    async def payment_webhook(self, request: web.Request) -> web.Response:
        """Payments confirms a charge; told twice, the order is paid once."""
        signature = request.headers.get("Payment-Signature", "")
        if not fits(signature, self._api_key, await request.read()):
            raise ShopError(401, "invalid_signature", "Payment-Signature does not fit the body")
        charge = (await json_object(request)).get("data")
        if not isinstance(charge, dict) or charge.get("status") != "succeeded":
            raise ShopError(400, "unexpected_notice", "a notice of a charge with status 'succeeded' was expected")
        order_id = _uuid(str(charge.get("reference")))
        paid = await self._store.move(
            order_id, to="paid", allowed_from=("pending", "authorised"), charge_id=str(charge.get("id"))
        )
        if paid is not None:
            await publish(self._service, "order.paid", paid)
        return web.json_response({"received": True, "changed": paid is not None})

    async def _reserve(self, order: Row) -> Row:
        try:
            held = await self._inventory.reserve(order["sku"], order["quantity"], order["id"])
        except ShopError:
            await self._store.move(order["id"], to="rejected", allowed_from=("pending",))
            raise
        return await self._store.reserved(order["id"], held.id, held.unit_price)

    async def _charge(self, order: Row, card: str) -> Row:
        """Charge the card. A refusal frees the goods; an answer nobody understands leaves them held."""
        body = {"amount": order["total"], "currency": order["currency"], "card": card}
        body |= {"reference": order["id"], "webhook_url": self._webhook_url}
        answer = await self._ask_payments("/v1/charges", key=order["id"], body=body)
        if 400 <= answer.status < 500:
            await self._store.move(order["id"], to="payment_failed", allowed_from=("pending",))
            await self._inventory.release(order["reservation_id"])
            raise ShopError.from_answer(answer.status, answer.body)
        if answer.status >= 500 or answer.body.get("status") != "succeeded":
            message = f"payments answered {answer.status} without the status 'succeeded': {sorted(answer.body)}"
            raise ShopError(502, "payments_unreadable", message)
        charge_id = answer.body["id"]
        authorised = await self._store.move(
            order["id"], to="authorised", allowed_from=("pending",), charge_id=charge_id
        )
        return authorised or await self._store.by_id(order["id"]) or order  # the webhook may have been faster

    async def _ask_payments(
        self, path: str, *, route: str | None = None, key: str = "", body: dict[str, Any] | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._api_key}"} | ({"Idempotency-Key": key} if key else {})
        return await self._payments.call("POST", path, route=route, body=body, headers=headers)

    async def _found(self, request: web.Request) -> Row:
        order_id = _uuid(request.match_info["order_id"])
        order = await self._store.by_id(order_id)
        if order is None:
            raise ShopError(404, "unknown_order", f"no order {order_id}")
        return order


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise ShopError(404, "unknown_order", f"{text!r} is not an order id") from error


def _shown(order: Row) -> dict[str, Any]:
    line = {name: order[name] for name in ("sku", "quantity", "unit_price")}
    told = ("id", "status", "email", "total", "currency", "charge_id", "created_at")
    return {name: order[name] for name in told} | {"lines": [line]}


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[None]:
    """Serve HTTP at ``SHOP_ORDERS_URL`` until the context ends."""
    inventory_target, payments_url = addresses.required("SHOP_INVENTORY_TARGET"), addresses.url("payments")
    database = await Database.ready("orders")
    try:
        async with (
            InventoryClient.open(inventory_target) as inventory,
            HttpClient.open("payments", payments_url, timeout_seconds=3) as payments,
        ):
            orders = Orders(service, OrderStore(database), inventory, payments)
            operations = {
                "create-order": ("POST", "/orders", orders.create_order),
                "get-order": ("GET", "/orders/{order_id}", orders.get_order),
                "cancel-order": ("POST", "/orders/{order_id}/cancel", orders.cancel_order),
                "product": ("GET", "/products/{sku}", orders.product),
                "payment-webhook": ("POST", "/webhooks/payments", orders.payment_webhook),
            }
            checks = {"database": lambda: database.rows("SELECT 1", "SELECT 1")}
            async with serving_http(service, operations, checks):
                yield
    finally:
        database.close()
