"""PostgreSQL, by psycopg2 on the event loop."""

import re
import time
from typing import Any, ClassVar

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extras import Json

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.databases.base import (
    DatabaseError,
    Result,
    adapted,
    does_not_fit,
    is_harmless,
    is_structure,
    too_many,
)
from apps.execution.executors.databases.postgresql_connection import Connection, Pool
from apps.execution.executors.tls import Client
from apps.execution.executors.urls import without_password

# Statements that can be read through a cursor, so that the server sends no more rows than are wanted.
_READS = re.compile(r"\s*(select|values|table|with)\b", re.IGNORECASE)
# What leaves something behind in the session, which the next step must not find.
_LEAVES_TRACES = re.compile(r"set_config|advisory|\btemp(orary)?\b", re.IGNORECASE)
# A cursor refuses some statements that run well by themselves (data changed inside WITH, SELECT INTO).
_NOT_FOR_CURSORS = frozenset({errorcodes.SYNTAX_ERROR, errorcodes.FEATURE_NOT_SUPPORTED})


class PostgreSQL:
    """Statements in one database."""

    schemes: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")

    def __init__(self, url: str, ca: str, client: Client | None, settings: EngineSettings) -> None:
        self._url = url
        self._rows = settings.rows
        self._pool = Pool(url, ca, client, settings)

    async def run(self, query: str, params: Any, seconds: float) -> Result:
        """Run *query*; the server ends it after *seconds*."""
        try:
            async with self._pool.session() as (connection, opening):
                began = time.perf_counter()
                cursor = await self._execute(connection, query, params, seconds)
                result = self._read(cursor)
                result.opening, result.running = opening, (time.perf_counter() - began) * 1000
                return result
        except (psycopg2.Error, OSError) as error:
            raise DatabaseError(self._failure(error, seconds)) from None

    async def _execute(self, connection: Connection, query: str, params: Any, seconds: float) -> Any:
        timeout_ms = max(1, int(seconds * 1000))
        if connection.timeout_ms != timeout_ms:
            await connection.execute(f"SET statement_timeout = {timeout_ms}")
            connection.timeout_ms = timeout_ms
        statement = _bound(connection, query, params)
        text = statement.decode(errors="replace")
        connection.is_clean = is_harmless(text) and not _LEAVES_TRACES.search(text)
        body = statement.rstrip().rstrip(b";")
        if _READS.match(text) and b";" not in body:
            # Both in one message are one transaction of their own.
            limited = b"DECLARE integhub NO SCROLL CURSOR FOR\n%b\n; FETCH FORWARD %d FROM integhub"
            try:
                return await connection.execute(limited % (body, self._rows + 1))
            except psycopg2.Error as error:
                if error.pgcode not in _NOT_FOR_CURSORS:
                    raise
        return await connection.execute(statement)

    def _read(self, cursor: Any) -> Result:
        result = Result(affected=max(cursor.rowcount, 0))
        if cursor.description:
            result.names = [column.name for column in cursor.description]
            found = cursor.fetchmany(self._rows + 1)
            result.rows = found[: self._rows]
            if len(found) > self._rows:
                result.cut = too_many(self._rows)
        return result

    def _failure(self, error: Exception, seconds: float) -> str:
        if isinstance(error, psycopg2.Error) and error.pgcode:
            if error.pgcode == errorcodes.QUERY_CANCELED:
                return f"the statement did not end within {seconds:g} s"
            diagnostics = error.diag
            parts = [diagnostics.message_primary, diagnostics.message_detail, diagnostics.message_hint]
            text = ". ".join(part.rstrip(".") for part in parts if part)
            return f"the database refused the statement: {text} ({error.pgcode})"
        reason = " ".join(str(error).split()) or type(error).__name__
        return f"no connection to {without_password(self._url)}: {reason}"

    async def aclose(self) -> None:
        """Close every idle connection."""
        await self._pool.aclose()


def _bound(connection: Connection, query: str, params: Any) -> bytes:
    """The statement with its parameters. Raises ``StepBlocked`` when they do not fit together."""
    cursor = connection.raw.cursor()
    try:
        if not params:
            return bytes(cursor.mogrify(query))
        return bytes(cursor.mogrify(query, adapted(params, _one)))
    except (psycopg2.ProgrammingError, TypeError, ValueError, IndexError, KeyError) as error:
        raise StepBlocked(does_not_fit(error)) from None


def _one(value: Any) -> Any:
    """Objects go as JSON; lists are arrays, unless they hold objects."""
    return Json(value) if is_structure(value) else value
