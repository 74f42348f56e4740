"""PostgreSQL for asyncio services: psycopg2 on a few threads, each keeping its connection."""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import psycopg2
import psycopg2.extras

from examples.shop import telemetry
from examples.shop.addresses import required

SCHEMAS = Path(__file__).parent / "schema"
THREADS = 6
Row = dict[str, Any]


class Database:
    """Runs single statements, each its own transaction, as short-lived work on a thread."""

    def __init__(self, url: str, application: str) -> None:
        self._url = url
        self._application = application
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="database")
        self._local = threading.local()
        self._connections: list[psycopg2.extensions.connection] = []

    @classmethod
    async def ready(cls, schema: str) -> Self:
        """Wait quietly for the server at ``SHOP_DATABASE_URL``, and create *schema* when missing."""
        database = cls(required("SHOP_DATABASE_URL"), f"shop {schema}")
        script = (SCHEMAS / f"{schema}.sql").read_text()
        pause = 0.05
        while True:
            try:
                await database._in_thread(script, {})
            except psycopg2.OperationalError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                return database

    async def rows(self, what: str, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run *query* and return its rows; *what* (``SELECT orders.orders``) names its span."""
        attributes = {"db.system.name": "postgresql", "db.operation.name": what.split()[0]}
        attributes["db.collection.name"] = what.split()[-1]
        with telemetry.client_span(what, {}, attributes):
            return await self._in_thread(query, parameters or {})

    async def row(self, what: str, query: str, parameters: Mapping[str, Any] | None = None) -> Row | None:
        """The first row of *query*, or ``None``."""
        found = await self.rows(what, query, parameters)
        return found[0] if found else None

    def close(self) -> None:
        """Drop the connections; statements under way end with an error."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    async def _in_thread(self, query: str, parameters: Mapping[str, Any]) -> list[Row]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._execute, query, parameters)

    def _execute(self, query: str, parameters: Mapping[str, Any]) -> list[Row]:
        connection = self._connection()
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(query, parameters or None)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def _connection(self) -> psycopg2.extensions.connection:
        connection: psycopg2.extensions.connection | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            connection = psycopg2.connect(
                self._url,
                connect_timeout=2,
                application_name=self._application,
                options="-c statement_timeout=5s",
            )
            connection.autocommit = True
            self._local.connection = connection
            self._connections.append(connection)
        return connection
