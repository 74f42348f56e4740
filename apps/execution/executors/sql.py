"""SQL statements: parameters bound by the driver, rows as objects, time and rows limited."""

import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extras import Json

from apps.execution.engine.differences import written
from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.json_values import to_json
from apps.execution.executors.sql_connection import Connection, Pool
from apps.execution.executors.urls import without_password

# Statements that can be read through a cursor, so that the server sends no more rows than are wanted.
_READS = re.compile(r"\s*(select|values|table|with)\b", re.IGNORECASE)
# What leaves something behind in the session, which the next step must not find.
_LEAVES_TRACES = re.compile(r"set_config|advisory|\btemp(orary)?\b", re.IGNORECASE)
_HARMLESS = re.compile(r"\s*(select|values|table|with|insert|update|delete|merge)\b", re.IGNORECASE)
# A cursor refuses some statements that run well by themselves (data changed inside WITH, SELECT INTO).
_NOT_FOR_CURSORS = frozenset({errorcodes.SYNTAX_ERROR, errorcodes.FEATURE_NOT_SUPPORTED})


class SqlExecutor:
    """Runs statements in PostgreSQL over pooled connections, without threads."""

    kind: ClassVar[str] = "sql"
    grace: ClassVar[float] = 0.5  # the server ends the statement itself

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._pools: dict[str, Pool] = {}

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        shown = {"url": without_password(str(params.get("url", ""))), "query": str(params.get("query", ""))}
        return {**shown, "params": params["params"]} if params.get("params") else shown

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Run the statement and read its rows."""
        observed = Observed(request=self.describe(step.params))
        started = time.perf_counter()
        try:
            async with self._pool(str(step.params["url"])).connection() as (connection, opening):
                observed.timings["connect"] = opening
                began = time.perf_counter()
                cursor = await self._execute(connection, step)
                self._read(cursor, observed)
                observed.timings["total"] = (time.perf_counter() - began) * 1000
        except EgressDenied as error:
            raise StepBlocked(str(error)) from None
        except (psycopg2.Error, OSError) as error:
            observed.timings["total"] = (time.perf_counter() - started) * 1000
            raise SeamError(_failure(error, step), observed) from None
        return observed

    def _pool(self, url: str) -> Pool:
        if url not in self._pools:
            self._pools[url] = Pool(url, self._settings.connections_per_database, self._settings.egress)
        return self._pools[url]

    async def _execute(self, connection: Connection, step: StepRequest) -> Any:
        timeout_ms = max(1, int(step.timeout * 1000))
        if connection.timeout_ms != timeout_ms:
            await connection.execute(f"SET statement_timeout = {timeout_ms}")
            connection.timeout_ms = timeout_ms
        statement = _bound(connection, str(step.params["query"]), step.params.get("params"))
        text = statement.decode(errors="replace")
        connection.is_clean = bool(_HARMLESS.match(text)) and not _LEAVES_TRACES.search(text)
        return await self._run(connection, statement, text)

    async def _run(self, connection: Connection, statement: bytes, text: str) -> Any:
        body = statement.rstrip().rstrip(b";")
        if _READS.match(text) and b";" not in body:
            limit = self._settings.rows + 1
            # Both in one message are one transaction of their own.
            limited = b"DECLARE integhub NO SCROLL CURSOR FOR\n%b\n; FETCH FORWARD %d FROM integhub" % (body, limit)
            try:
                return await connection.execute(limited)
            except psycopg2.Error as error:
                if error.pgcode not in _NOT_FOR_CURSORS:
                    raise
        return await connection.execute(statement)

    def _read(self, cursor: Any, observed: Observed) -> None:
        limit = self._settings.rows
        rows: list[dict[str, Any]] = []
        count = max(cursor.rowcount, 0)
        if cursor.description:
            names = _distinct([column.name for column in cursor.description])
            found = cursor.fetchmany(limit + 1)
            rows = [dict(zip(names, map(to_json, row), strict=True)) for row in found[:limit]]
            observed.response["columns"] = names
            if len(found) > limit:
                count = limit
                observed.notes.append(f"there are more than {limit} rows: only the first {limit} were read")
        observed.response |= {"row_count": count, "rows": self._kept(rows, observed.notes)}
        observed.subjects = {"rows": rows, "row_count": count}

    def _kept(self, rows: list[dict[str, Any]], notes: list[str]) -> list[dict[str, Any]]:
        """As many rows as there is room for in the result."""
        room = self._settings.body_stored
        for index, row in enumerate(rows):
            room -= len(written(row, room))
            if room < 0:
                notes.append(f"the first {index} rows are kept in the result")
                return rows[:index]
        return rows

    async def aclose(self) -> None:
        """Close every idle connection."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()


def _bound(connection: Connection, query: str, params: Any) -> bytes:
    """The statement with its parameters. Raises ``StepBlocked`` when they do not fit together."""
    cursor = connection.raw.cursor()
    try:
        if not params:
            return bytes(cursor.mogrify(query))
        return bytes(cursor.mogrify(query, _adapted(params)))
    except (psycopg2.ProgrammingError, TypeError, ValueError, IndexError, KeyError) as error:
        reason = f"there is no parameter {error}" if isinstance(error, KeyError) else str(error)
        raise StepBlocked(
            f"the statement and its parameters do not fit together: {reason} (a % that is meant as such is %%)"
        ) from None


def _adapted(params: Any) -> Any:
    """Objects go as JSON; lists are arrays, unless they hold objects."""
    if isinstance(params, dict):
        return {name: _one(value) for name, value in params.items()}
    return [_one(value) for value in params]


def _one(value: Any) -> Any:
    is_json = isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
    )
    return Json(value) if is_json else value


def _distinct(names: list[str]) -> list[str]:
    """Column names, numbered where the same one comes again."""
    seen: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result


def _failure(error: Exception, step: StepRequest) -> str:
    if isinstance(error, psycopg2.Error) and error.pgcode:
        if error.pgcode == errorcodes.QUERY_CANCELED:
            return f"the statement did not end within {step.timeout:g} s"
        diagnostics = error.diag
        parts = [diagnostics.message_primary, diagnostics.message_detail, diagnostics.message_hint]
        text = ". ".join(part.rstrip(".") for part in parts if part)
        return f"the database refused the statement: {text} ({error.pgcode})"
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"no connection to {without_password(str(step.params['url']))}: {reason}"
