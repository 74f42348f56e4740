"""MySQL and MariaDB, by asyncmy."""

import asyncio
import json
import re
import time
from typing import Any, ClassVar

from asyncmy.cursors import SSCursor
from asyncmy.errors import MySQLError

from apps.execution.engine.settings import MEBIBYTE, EngineSettings
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
from apps.execution.executors.databases.mysql_connection import Connection, Pool, described
from apps.execution.executors.tls import Client
from apps.execution.executors.urls import without_password

# What leaves something behind in the session, which the next step must not find.
_LEAVES_TRACES = re.compile(r"@\w|\bget_lock\b|\bsql_calc_found_rows\b|\btemporary\b", re.IGNORECASE)
_FIRST_OF_ITS_OWN = 2000  # from here on the driver speaks for itself: no connection, connection lost
_SERVER_S = range(1000, 2000)
_NEWER_SERVER_S = range(3000, 10_000)
_AT_ONCE = 64  # rows
_READ = 16 * MEBIBYTE


class MySQL:
    """Statements in one database."""

    schemes: ClassVar[tuple[str, ...]] = ("mysql", "mariadb")

    def __init__(self, url: str, ca: str, client: Client | None, settings: EngineSettings) -> None:
        self._url = url
        self._rows = settings.rows
        self._pool = Pool(url, ca, client, settings)

    async def run(self, query: str, params: Any, seconds: float) -> Result:
        """Run *query*; after *seconds* its session is ended in the server."""
        limit = asyncio.timeout(seconds)
        began = 0.0
        try:
            async with limit, self._pool.session() as (connection, opening):
                began = time.perf_counter()
                result = await self._execute(connection, query, params)
                result.opening, result.running = opening, (time.perf_counter() - began) * 1000
                return result
        except TimeoutError:
            if not limit.expired():
                raise
            what = "the statement did not end" if began else f"no connection to {without_password(self._url)}"
            raise DatabaseError(f"{what} within {seconds:g} s") from None
        except (MySQLError, OSError, RuntimeError) as error:  # RuntimeError: it asked for a file of ours
            raise DatabaseError(self._failure(error)) from None

    async def _execute(self, connection: Connection, query: str, params: Any) -> Result:
        cursor = SSCursor(connection.raw)  # rows come as they are read: no more than are kept
        text = _bound(cursor, query, params)
        connection.is_clean = is_harmless(text) and not _LEAVES_TRACES.search(text)
        connection.is_done = False
        try:
            await cursor.execute(text)
            result = await self._read(cursor)
            while not result.cut and await cursor.nextset():  # of several statements the last one counts
                result = await self._read(cursor)
        except MySQLError as error:
            connection.is_done = described(error)[0] < _FIRST_OF_ITS_OWN or not connection.is_usable
            raise
        connection.is_done = not result.cut
        return result

    async def _read(self, cursor: Any) -> Result:
        if cursor.description is None:
            return Result(affected=cursor.rowcount)
        result = Result(names=[column[0] for column in cursor.description])
        room = _READ
        while found := await cursor.fetchmany(min(_AT_ONCE, self._rows + 1 - len(result.rows))):
            result.rows += found
            room -= sum(len(value) for row in found for value in row if isinstance(value, str | bytes))
            if len(result.rows) > self._rows:
                result.rows.pop()
                result.cut = too_many(self._rows)
                break
            if room < 0:
                result.cut = f"the rows are too large: only the first {len(result.rows)} were read"
                break
        result.affected = len(result.rows)
        return result

    def _failure(self, error: Exception) -> str:
        number, text = described(error)
        if number in _SERVER_S or number in _NEWER_SERVER_S:
            place = "" if number not in (1044, 1045, 1049) else f" at {without_password(self._url)}"
            state = f", {error.sqlstate}" if isinstance(error, MySQLError) and error.sqlstate else ""
            return f"the database{place} refused the statement: {text} ({number}{state})"
        reason = " ".join(str(text or error).split()) or type(error).__name__
        return f"no connection to {without_password(self._url)}: {reason}"

    async def aclose(self) -> None:
        """Close every idle connection."""
        await self._pool.aclose()


def _bound(cursor: Any, query: str, params: Any) -> str:
    """The statement with its parameters. Raises ``StepBlocked`` when they do not fit together."""
    try:
        return str(cursor.mogrify(query, adapted(params, _one)) if params else query)
    except (MySQLError, TypeError, ValueError, IndexError, KeyError) as error:
        raise StepBlocked(does_not_fit(error)) from None


def _one(value: Any) -> Any:
    """Objects go as JSON; lists are the items of an ``IN``, unless they hold objects."""
    if is_structure(value):
        return json.dumps(value, ensure_ascii=False)
    return tuple(value) if isinstance(value, list) else value
