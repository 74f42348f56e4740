"""A broker adapter as another package would bring it: topics in memory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.brokers.base import Mark, Message, Outgoing, Source


class MemoryBroker:
    schemes: ClassVar[tuple[str, ...]] = ("mqtt",)
    publishes: ClassVar[frozenset[str]] = frozenset()
    receives: ClassVar[frozenset[str]] = frozenset()
    trace_header: ClassVar[str] = "traceparent"
    topics: ClassVar[defaultdict[str, list[Outgoing]]] = defaultdict(list)

    def __init__(self, url: str, ca: str, settings: EngineSettings) -> None:
        self.url = url

    async def publish(self, message: Outgoing) -> str:
        self.topics[message.to].append(message)
        return str(len(self.topics[message.to]))

    async def mark(self, source: Source, since: str) -> Mark:
        return {"after": len(self.topics[source.name])}

    @asynccontextmanager
    async def read(self, source: Source, mark: Mark) -> AsyncIterator["MemoryReading"]:
        yield MemoryReading(self.topics[source.name], mark["after"])

    async def forget(self, mark: Mark) -> None:
        pass

    async def aclose(self) -> None:
        pass


class MemoryReading:
    def __init__(self, topic: list[Outgoing], after: int) -> None:
        self._topic = topic
        self._after = after

    async def __aiter__(self) -> AsyncIterator[Message]:
        for number in range(self._after, len(self._topic)):
            one = self._topic[number]
            yield Message(id=str(number), headers=dict(one.headers), body=one.body)
        await asyncio.Event().wait()

    async def take(self, messages: Sequence[Message]) -> None:
        pass
