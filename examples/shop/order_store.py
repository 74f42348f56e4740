"""The orders in PostgreSQL, and the moves between their states."""

from typing import Any

from examples.shop.database import Database, Row

COLUMNS = """id::text, sku, quantity, unit_price, total, currency, email, status, reservation_id, charge_id,
    to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created_at"""
PLACE = f"""
INSERT INTO orders.orders (sku, quantity, currency, email, idempotency_key)
VALUES (%(sku)s, %(quantity)s, %(currency)s, %(email)s, %(key)s)
ON CONFLICT (idempotency_key) DO NOTHING RETURNING {COLUMNS}"""  # noqa: S608 - a constant
BY_ID = f"SELECT {COLUMNS} FROM orders.orders WHERE id = %(id)s"  # noqa: S608 - a constant
BY_KEY = f"SELECT {COLUMNS} FROM orders.orders WHERE idempotency_key = %(key)s"  # noqa: S608 - a constant
PRICE = f"""
UPDATE orders.orders SET unit_price = %(unit_price)s, total = quantity * %(unit_price)s,
    reservation_id = %(reservation)s, changed_at = now()
WHERE id = %(id)s RETURNING {COLUMNS}"""  # noqa: S608 - a constant
MOVE = f"""
UPDATE orders.orders SET status = %(to)s, charge_id = coalesce(%(charge)s, charge_id), changed_at = now()
WHERE id = %(id)s AND status = ANY(%(from)s) RETURNING {COLUMNS}"""  # noqa: S608 - a constant


class OrderStore:
    """Each method is one transaction; states change only along the allowed moves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, values: dict[str, Any], idempotency_key: str | None) -> Row | None:
        """A new pending order, or ``None`` when an order with this key exists."""
        return await self._database.row("INSERT orders.orders", PLACE, values | {"key": idempotency_key})

    async def by_id(self, order_id: str) -> Row | None:
        """The order with this id."""
        return await self._database.row("SELECT orders.orders", BY_ID, {"id": order_id})

    async def by_key(self, idempotency_key: str) -> Row | None:
        """The order that was placed with this idempotency key."""
        return await self._database.row("SELECT orders.orders", BY_KEY, {"key": idempotency_key})

    async def reserved(self, order_id: str, reservation_id: str, unit_price: int) -> Row:
        """Note price and reservation; return the order with its total."""
        values = {"id": order_id, "reservation": reservation_id, "unit_price": unit_price}
        return (await self._database.rows("UPDATE orders.orders", PRICE, values))[0]

    async def move(
        self, order_id: str, *, to: str, allowed_from: tuple[str, ...], charge_id: str | None = None
    ) -> Row | None:
        """Change the state, or return ``None`` when the order is not in one of *allowed_from*."""
        values = {"id": order_id, "to": to, "from": list(allowed_from), "charge": charge_id}
        return await self._database.row("UPDATE orders.orders", MOVE, values)
