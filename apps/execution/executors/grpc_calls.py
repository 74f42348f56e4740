"""One call of a gRPC method, of any of the four kinds, and everything that was seen of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message

from apps.execution.engine.differences import written
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import NotObserved, Observed, SeamError, StepBlocked, StepRequest
from apps.execution.executors.grpc_messages import build, read
from apps.execution.executors.grpc_status import details, headers
from apps.execution.executors.grpc_types import Types
from apps.execution.executors.messages_wanted import Wanted

_OK = "OK"


class Call:
    """Sends the messages of the step and reads what comes, until the server ends the call or enough has come."""

    waiting = ""
    """What it waits for, for people, where there is more to say than that it waits."""

    def __init__(
        self, step: StepRequest, method: MethodDescriptor, types: Types, settings: EngineSettings, observed: Observed
    ) -> None:
        self._step = step
        self._method = method
        self._types = types
        self._settings = settings
        self._observed = observed
        self._messages: list[Any] = []
        self._sizes = 0
        self._matched = 0
        self._began = time.perf_counter()
        self._at: list[float] = []
        self._ended_by_us = False
        self._call: Any = None

    async def make(self, channel: grpc.aio.Channel, metadata: Sequence[tuple[str, str | bytes]]) -> None:
        """Do it. Raises ``grpc.aio.AioRpcError`` when the status is another than OK, and ``SeamError``."""
        method = self._method
        requests = self._requests()
        output = type(build({}, method.output_type, self._types.pool))
        serializer = type(build({}, method.input_type, self._types.pool)).SerializeToString
        path = f"/{method.containing_service.full_name}/{method.name}"
        # Over the wire a call with one message is a stream of one.
        call = self._call = channel.stream_stream(
            path, request_serializer=serializer, response_deserializer=_reader(output)
        )(self._sent(requests), timeout=self._step.timeout, metadata=metadata)
        self._began = time.perf_counter()
        try:
            await self._talk()
            await self._read()
        finally:
            self._observed.timings["total"] = (time.perf_counter() - self._began) * 1000
            self._show()
            call.cancel()
        await self._conclude(call)

    def _sent(self, requests: Sequence[Message]) -> AsyncIterator[Message] | None:
        """What the call takes its messages from; None when they are written one by one."""
        return _each(requests)

    async def _talk(self) -> None:
        """What is said and waited for before the rest is read."""

    async def _next(self) -> Any:
        """What the server sends next, or the end of it."""
        return await self._call.read()

    def _requests(self) -> list[Message]:
        params, kind = self._step.params, self._method.input_type
        several = params.get("messages")
        if not self._method.client_streaming:
            if several is not None:
                raise StepBlocked(f"{self._method.full_name} takes one message: use with.message")
            return [build(params.get("message"), kind, self._types.pool)]
        if several is None:
            several = [params["message"]] if params.get("message") is not None else []
        return [build(one, kind, self._types.pool, f"messages[{index}]") for index, one in enumerate(several)]

    async def _read(self) -> None:
        given = self._step.params.get("stream")
        if given is not None and not self._method.server_streaming:
            raise StepBlocked(f"{self._method.full_name} answers with one message: with.stream has no meaning")
        wanted = Wanted(given or {})
        try:
            async with asyncio.timeout(wanted.wait):
                while wanted.count is None or self._matched < wanted.count:
                    if (raw := await self._next()) is grpc.aio.EOF:
                        break
                    message = self._keep(raw)
                    self._matched += not wanted.selective or wanted.matches(as_wanted(message))
                    if self._is_full():
                        self._observed.notes.append(f"only the first {len(self._messages)} messages were read")
                        self._ended_by_us = True
                        return
                else:
                    self._ended_by_us = True
        except TimeoutError:
            if wanted.count is not None:
                raise SeamError(self._missing(wanted, f"within {wanted.wait:g} s"), self._observed) from None
            self._ended_by_us = True
        if wanted.count is not None and self._matched < wanted.count and await self._call.code() is grpc.StatusCode.OK:
            raise SeamError(self._missing(wanted, "before the server ended the stream"), self._observed)

    def _keep(self, raw: Any) -> Any:
        if isinstance(raw, _Unreadable):
            name = self._method.output_type.full_name
            raise SeamError(
                f"{self._method.full_name} answered with something that is no {name}: {raw.reason}", self._observed
            )
        message = read(raw, self._types.pool)
        self._sizes += raw.ByteSize()
        self._messages.append(message)
        self._at.append(round((time.perf_counter() - self._began) * 1000, 3))
        return message

    def _is_full(self) -> bool:
        if not self._method.server_streaming:
            if len(self._messages) > 1:
                raise SeamError(f"{self._method.full_name} answered with more than one message", self._observed)
            return False
        return len(self._messages) >= self._settings.rows or self._sizes > self._settings.body_read

    def _missing(self, wanted: Wanted, when: str) -> str:
        of = f" {wanted}" if wanted.selective else ""
        also = f"; {len(self._messages)} came in all" if wanted.selective else ""
        return f"{self._matched} of {wanted.count} messages{of} came {when}{also}"

    def _show(self) -> None:
        """What came so far, for people and for checks."""
        observed, messages = self._observed, self._messages

        def no_message() -> Any:
            raise NotObserved("there is no message")

        observed.subjects |= {"messages": messages, "message": messages[0] if messages else no_message}
        if not self._method.server_streaming:
            observed.response |= {"message": messages[0]} if messages else {}
            return
        room, kept = self._settings.body_stored, 0
        for message in messages:
            room -= len(written(message, room))
            if room < 0:
                observed.notes.append(f"the first {kept} messages are kept in the result")
                break
            kept += 1
        observed.response |= {"messages": messages[:kept], "at_ms": self._at[:kept]}

    async def _conclude(self, call: Any) -> None:
        """The status of a call that ended well. One that we ended counts as such."""
        observed = self._observed
        if self._ended_by_us:
            initial = await call.initial_metadata() if self._messages else ()
            trailing: Any = ()
            observed.response["ended"] = "by the step"
        else:
            code = await call.code()
            initial, trailing = await call.initial_metadata(), await call.trailing_metadata()
            if code is not grpc.StatusCode.OK:
                raise grpc.aio.AioRpcError(code, initial, trailing, await call.details())
            if not self._messages and not self._method.server_streaming:
                raise SeamError(f"{self._method.full_name} ended without a message", observed)
        show_status(observed, _OK, "", initial, trailing, self._types)


def show_status(observed: Observed, code: str, reason: str, initial: Any, trailing: Any, types: Types | None) -> None:
    """Write into *observed* how a call ended."""
    rich = details(trailing, types.pool) if types is not None else []
    seen = headers(initial, trailing)
    observed.response = {"status": code, **({"details": reason} if reason else {}), **observed.response}
    observed.response |= {"metadata": seen, **({"status_details": rich} if rich else {})}
    observed.subjects |= {
        "status": code,
        "reason": reason,
        "details": rich,
        "header": seen,
        "trailer": headers(trailing),
    }


def as_wanted(message: Any) -> dict[str, Any]:
    """*message* as ``Wanted`` looks at it."""
    return {"json": message, "text": json.dumps(message, ensure_ascii=False)}


async def _each(requests: Sequence[Message]) -> AsyncIterator[Message]:
    for request in requests:
        yield request


class _Unreadable:
    """Bytes that are no message of the type."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _reader(output: type[Message]) -> Any:
    def parse(data: bytes) -> Any:
        try:
            return output.FromString(data)
        except DecodeError as error:
            return _Unreadable(str(error))

    return parse
