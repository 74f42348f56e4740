"""gRPC calls without stubs: the types come from the server's reflection."""

import asyncio
import base64
import json
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
from apps.execution.executors.grpc_messages import build, read
from apps.execution.executors.grpc_target import Target

_Key = tuple[str, bool, str]
# How gRPC itself says UNAVAILABLE when there is no connection; a server that answers so has its own words.
_NO_CONNECTION = (
    "failed to connect", "connections to all backends failing", "socket closed", "connection reset",
    "recvmsg", "stream removed", "endpoint closing", "end of tcp stream", "too many pings", "goaway",
    "ssl", "handshake", "ipv4:", "ipv6:",
)  # fmt: skip


class GrpcExecutor:
    """Calls unary methods over channels that are shared by every case of the loop."""

    kind: ClassVar[str] = "grpc"
    grace: ClassVar[float] = 0.5  # gRPC keeps the deadline itself

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._targets: dict[_Key, Target] = {}
        self._opening: defaultdict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        return {
            "target": str(params.get("target", "")),
            "method": str(params.get("method", "")),
            "message": params.get("message") or {},
            "metadata": dict(params.get("metadata") or {}),
        }

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Make the call and wait for its status."""
        metadata = _metadata(step.params, context.traceparent)
        observed = Observed(request={**self.describe(step.params), "metadata": dict(metadata)})
        key = (str(step.params["target"]), bool(step.params.get("tls")), str(step.params.get("ca") or ""))
        started = time.perf_counter()
        try:
            async with (await self._target(key)).in_use() as target:
                observed.timings["connect"] = 0.0 if target.used else (time.perf_counter() - started) * 1000
                await self._call(target, step, metadata, observed)
        except EgressDenied as error:
            raise StepBlocked(str(error)) from None
        except OSError as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SeamError(f"no connection to {key[0]}: {reason}", observed) from None
        except grpc.aio.AioRpcError as error:
            await self._answer(error, key, step, observed)
        finally:
            observed.timings.setdefault("total", (time.perf_counter() - started) * 1000)
        return observed

    async def _target(self, key: _Key) -> Target:
        async with self._opening[key]:
            target = self._targets.get(key)
            if target is None or not target.is_fresh:
                await self._drop(key)
                target = self._targets[key] = await Target.open(*key, self._settings)
            return target

    async def _drop(self, key: _Key) -> None:
        target = self._targets.pop(key, None)
        if target is not None:
            await target.retire()

    async def _call(
        self, target: Target, step: StepRequest, metadata: list[tuple[str, str]], observed: Observed
    ) -> None:
        name = str(step.params["method"])
        method = await target.reflection.method(name)
        if method.client_streaming or method.server_streaming:
            raise StepBlocked(f"{name} is a streaming method; only unary methods can be called")
        pool = target.reflection.pool
        request = build(step.params.get("message"), method.input_type, pool)
        output = type(build({}, method.output_type, pool))
        call = target.channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=output.FromString,
        )(request, timeout=step.timeout, metadata=metadata)
        began = time.perf_counter()
        try:
            answer = await call
        finally:
            observed.timings["total"] = (time.perf_counter() - began) * 1000
        if answer is None:  # what grpc.aio makes of bytes that are no such message
            raise SeamError(f"{name} answered with something that is no {method.output_type.full_name}", observed)
        message = read(answer, pool)
        headers = _headers(await call.initial_metadata(), await call.trailing_metadata())
        observed.response = {"status": "OK", "message": message, "metadata": headers, "address": target.address}
        observed.subjects = {"status": "OK", "message": message, "header": headers}

    async def _answer(self, error: grpc.aio.AioRpcError, key: _Key, step: StepRequest, observed: Observed) -> None:
        """A status other than OK: an answer for the checks, or no answer at all."""
        code, details = error.code(), error.details() or ""
        if code is grpc.StatusCode.UNAVAILABLE and any(word in details.lower() for word in _NO_CONNECTION):
            await self._drop(key)
            raise SeamError(f"no connection to {key[0]}: {details}", observed) from None
        elapsed = observed.timings.get("total", 0.0)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and elapsed >= step.timeout * 950:
            raise SeamError(f"{key[0]} did not answer within {step.timeout:g} s", observed) from None
        headers = _headers(error.initial_metadata(), error.trailing_metadata())
        observed.response = {"status": code.name, "details": details, "metadata": headers}

        def no_message() -> Any:
            raise NotObserved(f"there is no message: the status is {code.name}" + (f" ({details})" if details else ""))

        observed.subjects = {"status": code.name, "message": no_message, "header": headers}

    async def aclose(self) -> None:
        """Close every channel."""
        targets = list(self._targets.values())
        self._targets.clear()
        for target in targets:
            await target.channel.close()


def _metadata(params: Mapping[str, Any], traceparent: str) -> list[tuple[str, str]]:
    given = {
        str(name).lower(): value if isinstance(value, str) else json.dumps(value)
        for name, value in (params.get("metadata") or {}).items()
    }
    if traceparent:
        given.setdefault("traceparent", traceparent)
    for name, value in given.items():
        if not name.isascii() or not value.isascii() or not value.isprintable():
            raise StepBlocked(f"the metadata “{name}” cannot be sent: only printable ASCII can")
    return list(given.items())


def _headers(*parts: Any) -> dict[str, str]:
    """Initial and trailing metadata by name; binary values as Base64."""
    headers: dict[str, str] = {}
    for part in parts:
        for name, value in part or ():
            text = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers
