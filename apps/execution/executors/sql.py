"""SQL statements: parameters bound by the driver, rows as objects, time and rows limited."""

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from apps.execution.engine.differences import written
from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.databases.base import Database, DatabaseError, Result
from apps.execution.executors.databases.registry import open_database
from apps.execution.executors.json_values import to_json
from apps.execution.executors.tls import Client
from apps.execution.executors.urls import without_password


class SqlExecutor:
    """Runs statements over pooled connections, without threads."""

    kind: ClassVar[str] = "sql"
    grace: ClassVar[float] = 0.5  # the server ends the statement itself

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._databases: dict[tuple[str, str, Client | None], Database] = {}

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        shown = {"url": without_password(str(params.get("url", ""))), "query": str(params.get("query", ""))}
        return {**shown, "params": params["params"]} if params.get("params") else shown

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Run the statement and read its rows."""
        observed = Observed(request=self.describe(step.params))
        started = time.perf_counter()
        try:
            database = self._database(step.params)
            result = await database.run(str(step.params["query"]), step.params.get("params"), step.timeout)
        except EgressDenied as error:
            raise StepBlocked(str(error)) from None
        except DatabaseError as error:
            observed.timings["total"] = (time.perf_counter() - started) * 1000
            raise SeamError(str(error), observed) from None
        observed.timings |= {"connect": result.opening, "total": result.running}
        self._read(result, observed)
        return observed

    def _database(self, params: Mapping[str, Any]) -> Database:
        key = str(params["url"]), str(params.get("ca") or ""), Client.of(params)
        if key not in self._databases:
            self._databases[key] = open_database(*key, self._settings)
        return self._databases[key]

    def _read(self, result: Result, observed: Observed) -> None:
        rows: list[dict[str, Any]] = []
        if result.names is not None:
            names = _distinct(result.names)
            rows = [dict(zip(names, map(to_json, row), strict=True)) for row in result.rows]
            observed.response["columns"] = names
        if result.cut:
            observed.notes.append(result.cut)
        count = len(rows) if result.cut else result.affected
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
        databases = list(self._databases.values())
        self._databases.clear()
        for database in databases:
            await database.aclose()


def _distinct(names: Any) -> list[str]:
    """Column names, numbered where the same one comes again."""
    seen: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result
