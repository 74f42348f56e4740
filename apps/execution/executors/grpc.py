"""gRPC calls without stubs: the types come from the server's reflection, or from the step."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, ClassVar

import grpc
import grpc.aio

from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import (
    NotObserved,
    Observed,
    SeamError,
    StepBlocked,
    StepContext,
    StepRequest,
)
from apps.execution.executors.grpc_calls import Call, show_status
from apps.execution.executors.grpc_conversation import Conversation
from apps.execution.executors.grpc_status import headers, metadata_of
from apps.execution.executors.grpc_target import Key, Target
from apps.execution.executors.grpc_types import Types, stored

# How gRPC itself says UNAVAILABLE when there is no connection; a server that answers so has its own words.
_NO_CONNECTION = (
    "failed to connect", "connections to all backends failing", "socket closed", "connection reset",
    "recvmsg", "stream removed", "endpoint closing", "end of tcp stream", "too many pings", "goaway",
    "ssl", "handshake", "ipv4:", "ipv6:",
)  # fmt: skip


class GrpcExecutor:
    """Calls methods over channels that are shared by every case of the loop."""

    kind: ClassVar[str] = "grpc"
    grace: ClassVar[float] = 0.5  # gRPC keeps the deadline itself

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._targets: dict[Key, Target] = {}
        self._opening: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        return {
            "target": str(params.get("target", "")),
            "method": str(params.get("method", "")),
            **_said(params),
            "metadata": dict(params.get("metadata") or {}),
        }

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Make the call and wait for its status."""
        metadata = metadata_of(step.params, context.traceparent)
        observed = Observed(request={**self.describe(step.params), "metadata": headers(metadata)})
        key = Key.of(step.params)
        started = time.perf_counter()
        try:
            async with (await self._target(key)).in_use() as target:
                observed.timings["connect"] = 0.0 if target.used else (time.perf_counter() - started) * 1000
                await self._call(target, step, metadata, observed)
        except EgressDenied as error:
            raise StepBlocked(str(error)) from None
        except OSError as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SeamError(f"no connection to {key.target}: {reason}", observed) from None
        except _Refused as refused:
            await self._answer(refused, key, step, observed)
        except grpc.aio.AioRpcError as error:  # while its types were asked for
            await self._answer(_Refused(error), key, step, observed)
        finally:
            observed.timings.setdefault("total", (time.perf_counter() - started) * 1000)
        return observed

    async def _target(self, key: Key) -> Target:
        async with self._opening[key]:
            target = self._targets.get(key)
            if target is None or not target.is_fresh:
                await self._drop(key)
                target = self._targets[key] = await Target.open(key, self._settings)
            return target

    async def _drop(self, key: Key) -> None:
        target = self._targets.pop(key, None)
        if target is not None:
            await target.retire()

    async def _call(self, target: Target, step: StepRequest, metadata: Any, observed: Observed) -> None:
        types = await stored(step.params) or target.reflection
        method = await types.method(str(step.params["method"]))
        kind = Conversation if "exchange" in step.params else Call
        call = kind(step, method, types, self._settings, observed)
        try:
            await call.make(target.channel, metadata)
        except grpc.aio.AioRpcError as error:
            raise _Refused(error, types, call.waiting) from None

    async def _answer(self, refused: "_Refused", key: Key, step: StepRequest, observed: Observed) -> None:
        """A status other than OK: an answer for the checks, or no answer at all."""
        error = refused.error
        code, reason = error.code(), error.details() or ""
        if code is grpc.StatusCode.UNAVAILABLE and any(word in reason.lower() for word in _NO_CONNECTION):
            await self._drop(key)
            raise SeamError(f"no connection to {key.target}: {reason}", observed) from None
        elapsed = observed.timings.get("total", 0.0)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and elapsed >= step.timeout * 950:
            came = len(observed.subjects.get("messages", ()))
            what = f"the stream of {key.target} did not end" if came else f"{key.target} did not answer"
            also = f"; {came} {'message' if came == 1 else 'messages'} came" if came else ""
            waited = f"{refused.waiting} within {step.timeout:g} s" if refused.waiting else ""
            raise SeamError(waited or f"{what} within {step.timeout:g} s{also}", observed) from None
        show_status(observed, code.name, reason, error.initial_metadata(), error.trailing_metadata(), refused.types)

        def no_message() -> Any:
            raise NotObserved(f"there is no message: the status is {code.name}" + (f" ({reason})" if reason else ""))

        if not observed.subjects.get("messages"):
            observed.subjects |= {"message": no_message, "messages": []}

    async def aclose(self) -> None:
        """Close every channel."""
        targets = list(self._targets.values())
        self._targets.clear()
        for target in targets:
            await target.channel.close()


class _Refused(Exception):
    """A call that ended with another status than OK: *types* to read its details by, and what it was *waiting* for."""

    def __init__(self, error: grpc.aio.AioRpcError, types: Types | None = None, waiting: str = "") -> None:
        self.error = error
        self.types = types
        self.waiting = waiting
        super().__init__()


def _said(params: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("exchange", "messages"):
        if name in params:
            return {name: params[name]}
    return {"message": params.get("message") or {}}
