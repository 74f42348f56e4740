"""Waiting for calls to a one-time address."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from apps.execution.engine.callbacks import Callbacks, key_of
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import NotObserved, Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.markup import markup
from apps.execution.executors.messages_wanted import Wanted, decoded

_FIRST_LOOK, _SLOWEST_LOOK = 0.02, 0.25  # seconds between looks
_WAIT = 10.0  # seconds, when the step does not say


class WebhookExecutor:
    """Looks at what arrived; calls stay, so that a retry and another step see them again."""

    kind: ClassVar[str] = "webhook"
    grace: ClassVar[float] = 2.0  # it keeps the time itself and shows what came until then

    def __init__(self, settings: EngineSettings) -> None:
        self._callbacks = settings.callbacks

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        return {name: params[name] for name in ("name", "where", "count", "wait", "settle") if name in params}

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Wait until enough came, at most ``wait`` seconds."""
        if self._callbacks is None:
            raise StepBlocked("nothing can be called back here: this worker knows no web of IntegHub")
        params = step.params
        try:
            key = key_of(context.session, self._callbacks, params["name"])
        except ValueError as error:
            raise StepBlocked(f"with.name: {error}") from None
        seen = _Seen(self._callbacks, key, Wanted({"where": params.get("where")}, text="body"))
        count, limit = int(params.get("count", 1)), min(float(params.get("wait", _WAIT)), step.timeout)
        started = time.perf_counter()
        try:
            enough = await seen.until(count, limit)
            if params.get("settle"):
                await seen.until(0, min(float(params["settle"]), step.timeout))
        except OSError as error:
            raise SeamError(f"the calls cannot be read: {error}") from None
        observed = seen.observed(self.describe(params))
        observed.timings["total"] = (time.perf_counter() - started) * 1000
        if not enough:
            raise SeamError(seen.missing(params["name"], count, limit), observed)
        return observed

    async def aclose(self) -> None:
        """Nothing is open."""


class _Seen:
    """The calls that came to one address; *calls* are those that the step is about."""

    def __init__(self, callbacks: Callbacks, key: str, wanted: Wanted) -> None:
        self._callbacks = callbacks
        self._key = key
        self._wanted = wanted
        self._all = 0
        self.calls: list[dict[str, Any]] = []

    async def until(self, count: int, limit: float) -> bool:
        """Look until *count* calls came (0: all the time), for at most *limit* seconds; whether they did."""
        ends, pause = time.monotonic() + limit, _FIRST_LOOK
        while True:
            for call in await self._callbacks.calls(self._key, self._all):
                self._all += 1
                call = {**call, **decoded(call["body"])}
                if self._wanted.matches(call):
                    self.calls.append(call)
            left = ends - time.monotonic()
            if (count and len(self.calls) >= count) or left <= 0:
                return len(self.calls) >= count
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, _SLOWEST_LOOK)

    def observed(self, request: dict[str, Any]) -> Observed:
        """The calls as a result."""
        response: dict[str, Any] = {"calls": self.calls}
        if self._all > len(self.calls):
            response["other_calls"] = self._all - len(self.calls)
        subjects: dict[str, Any] = {"calls": self.calls, "count": len(self.calls)}
        if self.calls:
            first = self.calls[0]
            headers = {name.lower(): value for name, value in first["headers"].items()}
            subjects["body"] = first["body"]
            subjects["xml"] = lambda: markup(first["body"], headers.get("content-type", ""))
            subjects["json"] = first.get("json", _not_json)
            subjects["header"] = headers
        return Observed(request=request, response=response, subjects=subjects)

    def missing(self, name: str, count: int, limit: float) -> str:
        """What did not come."""
        which = f" {self._wanted}" if self._wanted.selective else ""
        also = f"; {self._all} came in all" if self._wanted.selective else ""
        return f"{len(self.calls)} of {count} calls to “{name}”{which} came within {limit:g} s{also}"


def _not_json() -> Any:
    raise NotObserved("the body of the first call is not JSON")
