"""``inventory`` (gRPC): what is in stock, and who has reserved it.

1.0 is good. 1.1 asks the warehouse between looking and taking, without a lock: under concurrency it
reserves the same piece twice. 1.2 locks again, but asks the warehouse shelf by shelf: GetStock takes
five times as long.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import grpc

from examples.shop.addresses import required
from examples.shop.control import Switches
from examples.shop.database import Database, Row
from examples.shop.grpc_server import Context, Operations, serving_grpc
from examples.shop.process import Service
from examples.shop.protocol import inventory_pb2 as messages

SHELVES = 5
WAREHOUSE_SECONDS = 0.04
"""How long the warehouse takes to answer one question."""
CONFIRMATION_SECONDS = 0.3
"""How long 1.1 waits for the warehouse between looking and taking."""

STOCK = """
SELECT sku, name, unit_price, available, coalesce((
    SELECT sum(quantity) FROM inventory.reservations held WHERE held.sku = items.sku AND state = 'held'
), 0)::integer AS reserved
FROM inventory.items WHERE sku = %(sku)s"""
RESTOCK = """
INSERT INTO inventory.items (sku, name, unit_price, available)
VALUES (%(sku)s, %(name)s, %(unit_price)s, %(quantity)s)
ON CONFLICT (sku) DO UPDATE SET available = items.available + excluded.available,
    name = excluded.name, unit_price = excluded.unit_price"""
TAKE_AND_HOLD = """
WITH taken AS (
    UPDATE inventory.items SET available = available - %(quantity)s
    WHERE sku = %(sku)s AND available >= %(quantity)s RETURNING sku, unit_price
)
INSERT INTO inventory.reservations (sku, quantity, unit_price, reference)
SELECT sku, %(quantity)s, unit_price, %(reference)s FROM taken
RETURNING id::text, sku, quantity, unit_price, reference, state"""
OVERWRITE_AND_HOLD = """
WITH taken AS (
    UPDATE inventory.items SET available = %(left)s
    WHERE sku = %(sku)s RETURNING sku, unit_price
)
INSERT INTO inventory.reservations (sku, quantity, unit_price, reference)
SELECT sku, %(quantity)s, unit_price, %(reference)s FROM taken
RETURNING id::text, sku, quantity, unit_price, reference, state"""
RELEASE = """
WITH freed AS (
    UPDATE inventory.reservations SET state = 'released'
    WHERE id = %(id)s AND state = 'held' RETURNING sku, quantity
)
UPDATE inventory.items SET available = available + freed.quantity FROM freed WHERE items.sku = freed.sku"""
RESERVATION = """
SELECT id::text, sku, quantity, unit_price, reference, state FROM inventory.reservations WHERE id = %(id)s"""


class Inventory:
    """The methods of ``shop.inventory.v1.Inventory``."""

    def __init__(self, service: Service, database: Database) -> None:
        self._log = service.log
        self._database = database

    async def get_stock(self, request: messages.StockRequest, context: Context, switches: Switches) -> messages.Stock:
        """Stock of one sku; asks the warehouse for all shelves at once (1.2: one after the other)."""
        stock = await self._stock(request.sku, context)
        for _ in range(SHELVES if switches.version == "1.2" else 1):
            await asyncio.sleep(WAREHOUSE_SECONDS)
        return messages.Stock(**stock)

    async def restock(self, request: messages.RestockRequest, context: Context, switches: Switches) -> messages.Stock:
        """Add goods to the stock of a sku, which is created when unknown."""
        if not request.sku or request.quantity < 0 or request.unit_price < 0:
            await _refuse(context, "INVALID_ARGUMENT", "sku, and quantity and unit_price of 0 or more, are needed")
        values = {"sku": request.sku, "name": request.name or request.sku}
        numbers = {"unit_price": request.unit_price, "quantity": request.quantity}
        await self._database.rows("INSERT inventory.items", RESTOCK, values | numbers)
        return messages.Stock(**await self._stock(request.sku, context))

    async def reserve(
        self, request: messages.ReserveRequest, context: Context, switches: Switches
    ) -> messages.Reservation:
        """Hold goods for an order, or refuse when there are not enough."""
        if request.quantity <= 0:
            await _refuse(context, "INVALID_ARGUMENT", "quantity must be above 0")
        careless = switches.version == "1.1"
        held = await (self._look_then_take(request, context) if careless else self._take(request))
        if held is None:
            stock = await self._stock(request.sku, context)
            message = f"{request.quantity} of {request.sku} wanted, {stock['available']} in stock"
            await _refuse(context, "FAILED_PRECONDITION", message)
        self._log.debug("reserved", sku=request.sku, quantity=request.quantity, reference=request.reference)
        return messages.Reservation(**held)

    async def release(
        self, request: messages.ReleaseRequest, context: Context, switches: Switches
    ) -> messages.Reservation:
        """Give held goods back; releasing twice changes nothing the second time."""
        try:
            key = {"id": str(uuid.UUID(request.reservation_id))}
        except ValueError:
            await _refuse(context, "INVALID_ARGUMENT", "reservation_id is not a UUID")
        await self._database.rows("UPDATE inventory.reservations", RELEASE, key)
        found = await self._database.row("SELECT inventory.reservations", RESERVATION, key)
        if found is None:
            await _refuse(context, "NOT_FOUND", f"no reservation {request.reservation_id}")
        return messages.Reservation(**found)

    async def get_version(
        self, request: messages.VersionRequest, context: Context, switches: Switches
    ) -> messages.Version:
        """The version that this service behaves as now."""
        return messages.Version(service="inventory", version=switches.version)

    async def _take(self, request: messages.ReserveRequest) -> Row | None:
        """Look and take in one statement: the database's row lock keeps others out."""
        values = {"sku": request.sku, "quantity": request.quantity, "reference": request.reference}
        return await self._database.row("UPDATE inventory.items", TAKE_AND_HOLD, values)

    async def _look_then_take(self, request: messages.ReserveRequest, context: Context) -> Row | None:
        """The fault of 1.1: what was seen is written back after a pause, whatever happened meanwhile."""
        stock = await self._stock(request.sku, context)
        if stock["available"] < request.quantity:
            return None
        await asyncio.sleep(CONFIRMATION_SECONDS)
        values = {"sku": request.sku, "quantity": request.quantity, "reference": request.reference}
        values["left"] = stock["available"] - request.quantity
        return await self._database.row("UPDATE inventory.items", OVERWRITE_AND_HOLD, values)

    async def _stock(self, sku: str, context: Context) -> Row:
        stock = await self._database.row("SELECT inventory.items", STOCK, {"sku": sku})
        if stock is None:
            await _refuse(context, "NOT_FOUND", f"no sku {sku!r}")
        return stock


async def _refuse(context: Context, code: str, message: str) -> NoReturn:
    await context.abort(grpc.StatusCode[code], message)
    raise AssertionError("abort always raises")


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[None]:
    """Serve gRPC at ``SHOP_INVENTORY_TARGET`` until the context ends."""
    address = required("SHOP_INVENTORY_TARGET")
    database = await Database.ready("inventory")
    inventory = Inventory(service, database)
    operations: Operations = {
        "GetStock": ("get-stock", inventory.get_stock),
        "Restock": ("restock", inventory.restock),
        "Reserve": ("reserve", inventory.reserve),
        "Release": ("release", inventory.release),
        "GetVersion": ("get-version", inventory.get_version),
    }
    descriptor = messages.DESCRIPTOR.services_by_name["Inventory"]
    try:
        async with serving_grpc(service, descriptor, operations, address):
            yield
    finally:
        database.close()
