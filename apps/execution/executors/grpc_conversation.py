"""Conversations over a gRPC method that streams in both directions."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import grpc.aio
from google.protobuf.message import Message

from apps.execution.executors.base import SeamError, StepBlocked
from apps.execution.executors.grpc_calls import Call, as_wanted
from apps.execution.executors.grpc_messages import build
from apps.execution.executors.turns import Ended, Missing, Turns


class Conversation(Call, Turns):
    """Takes the turns of the step; then our side ends, and what still comes is read."""

    ending = "end the call"

    def __init__(self, *args: Any) -> None:
        Turns.__init__(self)
        Call.__init__(self, *args)
        self._unsaid: list[Message] = []
        self._reading: asyncio.Future[Any] | None = None

    def _requests(self) -> list[Message]:
        method, turns = self._method, self._step.params["exchange"]
        if not (method.client_streaming and method.server_streaming):
            raise StepBlocked(f"{method.full_name} does not stream in both directions: with.exchange has no meaning")
        said = [(index, turn["message"]) for index, turn in enumerate(turns) if "message" in turn]
        return [build(one, method.input_type, self._types.pool, f"exchange[{index}].message") for index, one in said]

    def _sent(self, requests: Sequence[Message]) -> None:
        self._unsaid = list(reversed(requests))

    async def _talk(self) -> None:
        try:
            await self.take(self._step.params["exchange"])
            await self._call.done_writing()
        except Missing as missing:
            raise SeamError(str(missing), self._observed) from None
        except Ended:
            progress = self.waiting or f"{self.place} could not be sent"
            raise SeamError(f"{progress}; the server ended the call", self._observed) from None

    @property
    def heard(self) -> int:
        """How many messages came so far."""
        return len(self._messages)

    async def say(self, item: Mapping[str, Any]) -> None:
        """Send the next message. Raises ``Ended``, and ``AioRpcError`` when that was with another status than OK."""
        try:
            await self._call.write(self._unsaid.pop())
        except asyncio.InvalidStateError:
            await self._next()
            raise Ended from None

    async def hear(self) -> Mapping[str, Any]:
        """The next message. Raises ``Missing``, and what ``say`` raises."""
        raw = await self._next()
        if raw is grpc.aio.EOF:
            raise Ended
        if self._is_full():
            raise Missing(f"{self.place}: more came than is read: {self.heard} messages")
        return as_wanted(self._keep(raw))

    async def _next(self) -> Any:
        """A turn that waits no longer must not cancel gRPC's own reading, which would cancel the call."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._call.read())
        await asyncio.wait([self._reading])
        reading, self._reading = self._reading, None
        return reading.result()

    async def make(self, *args: Any) -> None:
        """Do it, as a call."""
        try:
            await super().make(*args)
        finally:
            if self._reading is not None:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)
