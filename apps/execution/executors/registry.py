"""The executors that are known, and those of one event loop."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import TracebackType
from typing import Self

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Executor, StepBlocked

GROUP = "integhub.executors"

# Imported at the first step of their kind: a worker that never calls gRPC never loads it, and nothing
# is opened before Celery forks.
_BUILT_IN = {
    "http": "apps.execution.executors.http:HttpExecutor",
    "sql": "apps.execution.executors.sql:SqlExecutor",
    "redis": "apps.execution.executors.redis:RedisExecutor",
    "publish": "apps.execution.executors.publish:PublishExecutor",
    "receive": "apps.execution.executors.receive:ReceiveExecutor",
    "webhook": "apps.execution.executors.webhook:WebhookExecutor",
    "websocket": "apps.execution.executors.websocket:WebSocketExecutor",
    "mail": "apps.execution.executors.mail:MailExecutor",
    "grpc": "apps.execution.executors.grpc:GrpcExecutor",
    "browser": "apps.execution.executors.browser:BrowserExecutor",
    "command": "apps.execution.executors.command:CommandExecutor",
    "manual": "apps.execution.executors.manual:ManualExecutor",
    "wait": "apps.execution.executors.wait:WaitExecutor",
    "set": "apps.execution.executors.set:SetExecutor",
}


@cache
def _places() -> dict[str, str]:
    """Where each kind's class is; a package cannot replace a kind that comes with IntegHub."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)} | _BUILT_IN


def known_kinds() -> frozenset[str]:
    """Names of every kind that has an executor."""
    return frozenset(_places())


class Executors:
    """The executors of one event loop, each made when a step first needs it."""

    def __init__(
        self, settings: EngineSettings | None = None, *, extra: Mapping[str, type[Executor]] | None = None
    ) -> None:
        self.settings = settings or EngineSettings()
        self._extra = extra or {}
        self._made: dict[str, Executor] = {}

    def find(self, kind: str) -> Executor:
        """The executor of *kind*. Raises ``StepBlocked`` when there is none."""
        executor = self._made.get(kind)
        if executor is None:
            executor = self._made[kind] = self._class(kind)(self.settings)
        return executor

    def _class(self, kind: str) -> type[Executor]:
        if kind in self._extra:
            return self._extra[kind]
        place = _places().get(kind)
        if place is None:
            raise StepBlocked(f"there is no executor for steps of kind “{kind}”")
        module, _, name = place.partition(":")
        try:
            found: type[Executor] = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            raise StepBlocked(
                f"steps of kind “{kind}” need the package {package} on the worker: pip install {package}"
            ) from None
        return found

    async def aclose(self) -> None:
        """Close every resource that was opened."""
        made, self._made = self._made, {}
        for executor in made.values():
            await executor.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
