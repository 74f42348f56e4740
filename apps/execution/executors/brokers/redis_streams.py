"""Redis streams: an entry's field ``body`` (or another one) is the message's body, its other fields the headers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.brokers.base import NOW, START, BrokerError, Mark, Message, Outgoing, Source
from apps.execution.executors.json_values import to_json
from apps.execution.executors.redis_connection import open_pool
from apps.execution.executors.urls import without_password

_PAGE = 100
_BODY = "body"
_BEGINNING = "0-0"


class RedisStreams:
    """Streams of one Redis server. Reading takes nothing away: XREAD, no consumer group."""

    schemes: ClassVar[tuple[str, ...]] = ("redis", "rediss")
    publishes: ClassVar[frozenset[str]] = frozenset({"body_field"})
    receives: ClassVar[frozenset[str]] = frozenset({"body_field"})
    trace_header: ClassVar[str] = "traceparent"

    def __init__(self, url: str, ca: str, settings: EngineSettings) -> None:
        self._url = url
        self._pool = open_pool(url, settings.connections_per_database, settings.egress, ca)

    async def publish(self, message: Outgoing) -> str:
        """XADD."""
        words: list[Any] = []
        for name, value in message.headers.items():
            words += [name, value if isinstance(value, str) else str(to_json(value))]
        if message.body:
            words += [message.options.get("body_field") or _BODY, message.body]
        if not words:
            raise StepBlocked("an entry of a stream has at least one field: give a body or headers")
        async with self._connection() as connection:
            return str(to_json(await _ask(connection, "XADD", message.to, "*", *words)))

    async def mark(self, source: Source, since: str) -> Mark:
        """The id after which the stream is read."""
        if since == START:
            return {"after": _BEGINNING}
        if since != NOW:
            return {"after": since}
        async with self._connection() as connection:
            try:
                told = await _ask(connection, "XINFO", "STREAM", source.name)
            except ResponseError as error:
                if "no such key" in str(error).lower():  # its first entry is still to come
                    return {"after": _BEGINNING}
                raise
        return {"after": to_json(_told(told)["last-generated-id"])}

    @asynccontextmanager
    async def read(self, source: Source, mark: Mark) -> AsyncIterator["_Reading"]:
        """XREAD from the mark on."""
        async with self._connection() as connection:
            reading = _Reading(connection, source.name, str(mark["after"]), source.options.get("body_field") or _BODY)
            yield reading
            if reading.is_waiting:
                await connection.disconnect(nowait=True)

    async def forget(self, mark: Mark) -> None:
        """A position needs no closing."""

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AbstractConnection]:
        """A connection; closed after use when a reply may still be on its way."""
        try:
            connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
            keep = False
            try:
                yield connection
                keep = True
            except ResponseError:
                keep = True
                raise
            finally:
                if not keep:
                    await connection.disconnect(nowait=True)
                await self._pool.release(connection)
        except (RedisError, OSError) as error:
            if isinstance(error.__cause__, EgressDenied):  # redis-py wraps whatever stops a connection
                raise error.__cause__ from None
            raise BrokerError(self._failure(error)) from None

    def _failure(self, error: Exception) -> str:
        place = without_password(self._url)
        if isinstance(error, AuthenticationError):
            return f"Redis at {place} refused the login: {error}"
        if isinstance(error, ResponseError):
            return f"Redis refused it: {error}"
        return f"no connection to {place}: {' '.join(str(error).split()) or type(error).__name__}"

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.disconnect()


class _Reading:
    def __init__(self, connection: AbstractConnection, stream: str, after: str, body_field: str) -> None:
        self._connection = connection
        self._stream = stream
        self._after = after
        self._body_field = body_field
        self.is_waiting = False
        """Whether a reply is still to come: then nobody else can use the connection."""

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            words = ("XREAD", "COUNT", _PAGE, "BLOCK", 0, "STREAMS", self._stream, self._after)
            self.is_waiting = True
            reply = await _ask(self._connection, *words)
            self.is_waiting = False
            for entry in _entries(reply):
                message = self._message(entry)
                self._after = message.id
                yield message

    def _message(self, entry: Any) -> Message:
        parts = entry[1] or []
        fields = {to_json(name): value for name, value in zip(parts[::2], parts[1::2], strict=True)}
        body = fields.pop(self._body_field, b"")
        headers = {name: to_json(value) for name, value in fields.items()}
        return Message(id=to_json(entry[0]), headers=headers, body=body, extra={"stream": self._stream})

    async def take(self, messages: Sequence[Message]) -> None:
        """Nothing is taken away from a stream."""


def _entries(reply: Any) -> list[Any]:
    """The entries in a reply to XREAD about one stream: a map in RESP 3, pairs in RESP 2."""
    if not reply:
        return []
    found = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    return list(found)


def _told(reply: Any) -> dict[str, Any]:
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {str(to_json(name)): value for name, value in pairs}


async def _ask(connection: AbstractConnection, *words: Any) -> Any:
    await connection.send_command(*words)
    return await connection.read_response()
