"""RabbitMQ and other AMQP 0-9-1 brokers.

An exchange is watched by a queue of our own, bound before the action. Nothing in it is ever acknowledged, so that
every reading sees everything since then; what is not read goes back to its place when the channel closes.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.commands import Basic

from apps.execution.engine.settings import MEBIBYTE, EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.brokers.amqp_connection import AmqpConnection
from apps.execution.executors.brokers.base import NOW, BrokerError, Mark, Message, Outgoing, Source
from apps.execution.executors.json_values import to_json

_TEXTS = ("content_type", "content_encoding", "correlation_id", "reply_to", "expiration", "message_id", "user_id",
          "app_id")  # fmt: skip
_EVERYTHING = "#"
# A queue that nobody comes back to (a killed worker, a person who never ends a step) ends by itself.
_QUEUE = {"x-expires": 3_600_000, "x-max-length": 10_000, "x-max-length-bytes": 64 * MEBIBYTE}


class Amqp:
    """Queues and exchanges of one broker."""

    schemes: ClassVar[tuple[str, ...]] = ("amqp", "amqps")
    publishes: ClassVar[frozenset[str]] = frozenset(
        {"exchange", "routing_key", "properties", "persistent", "mandatory"}
    )
    receives: ClassVar[frozenset[str]] = frozenset({"exchange", "routing_key"})
    trace_header: ClassVar[str] = "traceparent"

    def __init__(self, url: str, ca: str, settings: EngineSettings) -> None:
        self._connection = AmqpConnection(url, ca, settings)
        self._prefetch = settings.rows

    async def publish(self, message: Outgoing) -> str:
        """Publish, and wait for the broker's confirmation."""
        options = message.options
        properties = _properties(message)
        exchange = options.get("exchange") or ""
        key = options.get("routing_key") or "" if exchange else message.to
        async with self._connection.channel(keep=True) as channel:
            await channel.basic_publish(
                message.body,
                exchange=exchange,
                routing_key=key,
                properties=properties,
                # A queue that does not exist would swallow the message silently.
                mandatory=not exchange or bool(options.get("mandatory")),
            )
        return str(properties.message_id)

    async def mark(self, source: Source, since: str) -> Mark:
        """The queue to read: the one that was named, or one of our own, bound to the exchange."""
        if since != NOW:
            raise StepBlocked(f"with.since: an AMQP broker keeps no history, so “{since}” cannot be read")
        exchange = source.options.get("exchange")
        if not exchange:
            return {"queue": source.name}
        name = f"integhub.{uuid.uuid4().hex}"
        key = source.options.get("routing_key") or _EVERYTHING
        async with self._connection.channel() as channel:
            await channel.queue_declare(name, durable=True, arguments=dict(_QUEUE))
            await channel.queue_bind(name, exchange, key)
        return {"queue": name, "own": True}

    @asynccontextmanager
    async def read(self, source: Source, mark: Mark) -> AsyncIterator["_Reading"]:
        """Consume from the queue of *mark*."""
        async with self._connection.channel() as channel:
            await channel.basic_qos(prefetch_count=self._prefetch)
            reading = _Reading(channel, takes=not mark.get("own"))
            channel.on_consumer_cancel_callbacks.add(reading.ended)
            await channel.basic_consume(str(mark["queue"]), reading.arrived)
            yield reading

    async def forget(self, mark: Mark) -> None:
        """Delete our own queue."""
        if mark.get("own"):
            async with self._connection.channel() as channel:
                await channel.queue_delete(str(mark["queue"]))

    async def aclose(self) -> None:
        """Close the connection."""
        await self._connection.aclose()


class _Reading:
    def __init__(self, channel: AbstractChannel, *, takes: bool) -> None:
        self._channel = channel
        self._closing = channel.closing
        self._takes = takes
        self._arrived: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()

    async def arrived(self, message: DeliveredMessage) -> None:
        """Called by aiormq for each message."""
        self._arrived.put_nowait(message)

    def ended(self, frame: Any) -> None:
        """Called by aiormq when the broker ends the consumer: somebody deleted the queue."""
        self._arrived.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            next_one = asyncio.ensure_future(self._arrived.get())
            try:
                await asyncio.wait({next_one, self._closing}, return_when=asyncio.FIRST_COMPLETED)
                if not next_one.done():
                    raise BrokerError("the connection to the broker was lost")
            finally:
                next_one.cancel()
            delivered = next_one.result()
            if delivered is None:
                raise BrokerError("the queue was deleted while it was read")
            yield _message(delivered)

    async def take(self, messages: Sequence[Message]) -> None:
        """Acknowledge *messages*; the others go back when the channel closes."""
        if self._takes:
            for message in messages:
                await self._channel.basic_ack(message.receipt)


def _properties(message: Outgoing) -> Basic.Properties:
    given: Mapping[str, Any] = message.options.get("properties") or {}
    unknown = sorted(set(given) - {*_TEXTS, "type", "priority"})
    if unknown:
        names = ", ".join((*_TEXTS, "type", "priority"))
        raise StepBlocked(f"with.properties: there is no property “{unknown[0]}”; there are {names}")
    texts: dict[str, Any] = {"content_type": message.content_type, "message_id": uuid.uuid4().hex}
    texts |= {name: str(given[name]) for name in _TEXTS if name in given}
    priority = given.get("priority")
    if priority is not None and (not isinstance(priority, int) or not 0 <= priority <= 255):
        raise StepBlocked("with.properties: “priority” is a whole number from 0 to 255")
    return Basic.Properties(
        headers=dict(message.headers),
        delivery_mode=1 if message.options.get("persistent") is False else 2,
        priority=priority,
        message_type=str(given["type"]) if "type" in given else None,
        **texts,
    )


def _message(delivered: DeliveredMessage) -> Message:
    properties = delivered.header.properties
    told = {name: getattr(properties, name) for name in (*_TEXTS, "priority", "timestamp", "delivery_mode")}
    told["type"] = properties.message_type
    return Message(
        id=properties.message_id or "",
        headers=dict(to_json(properties.headers or {})),
        body=bytes(delivered.body),
        extra={
            "exchange": delivered.exchange or "",
            "routing_key": delivered.routing_key or "",
            "properties": {name: to_json(value) for name, value in told.items() if value is not None},
        },
        receipt=delivered.delivery_tag,
    )
