"""Redis: one command, or the messages of a stream."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from redis.asyncio.connection import AbstractConnection, BlockingConnectionPool
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from apps.execution.engine.differences import written
from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.json_values import to_json
from apps.execution.executors.redis_connection import open_pool
from apps.execution.executors.urls import without_password

_PAGE = 1000
_MAX_SCANNED = 100_000
# Commands whose replies never end, and commands that change the session for the next step.
_ENDLESS = frozenset({"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC", "REPLCONF"})
_LEAVE_TRACES = frozenset(
    {"SELECT", "AUTH", "HELLO", "CLIENT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "RESET", "QUIT",
     "READONLY", "READWRITE", "ASKING", "SCRIPT"}
)  # fmt: skip


class RedisExecutor:
    """Talks to Redis over pooled connections."""

    kind: ClassVar[str] = "redis"
    grace: ClassVar[float] = 0.0

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._pools: dict[str, BlockingConnectionPool] = {}

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        shown: dict[str, Any] = {"url": without_password(str(params.get("url", "")))}
        for name in ("command", "stream"):
            if name in params:
                shown[name] = params[name]
        return shown

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Send the command, or read the stream."""
        params = step.params
        words = _command(params, context.traceparent)
        observed = Observed(request=self.describe({**params, "command": words} if words else params))
        started = time.perf_counter()
        try:
            async with self._connection(str(params["url"]), words) as connection:
                if words:
                    self._read_value(await _ask(connection, *words), observed)
                else:
                    await self._read_stream(connection, params["stream"], observed)
        except (RedisError, OSError) as error:
            if isinstance(error.__cause__, EgressDenied):  # redis-py wraps whatever stops a connection
                raise StepBlocked(str(error.__cause__)) from None
            raise SeamError(_failure(error, str(params["url"])), observed) from None
        finally:
            observed.timings["total"] = (time.perf_counter() - started) * 1000
        return observed

    @asynccontextmanager
    async def _connection(self, url: str, words: list[str]) -> AsyncIterator[AbstractConnection]:
        """A connection; closed after use when it cannot be used by the next step."""
        pool = self._pool(url)
        connection: AbstractConnection = await pool.get_connection()  # type: ignore[no-untyped-call]
        keep = not words or words[0].upper() not in _LEAVE_TRACES
        try:
            yield connection
        except ResponseError:
            raise
        except BaseException:
            keep = False  # a reply may still be on its way
            raise
        finally:
            if not keep:
                await connection.disconnect(nowait=True)
            await pool.release(connection)

    def _pool(self, url: str) -> BlockingConnectionPool:
        if url not in self._pools:
            settings = self._settings
            self._pools[url] = open_pool(url, settings.connections_per_database, settings.egress)
        return self._pools[url]

    def _read_value(self, reply: Any, observed: Observed) -> None:
        value = to_json(reply)
        observed.subjects["value"] = value
        self._keep("value", value, observed)

    def _keep(self, name: str, value: Any, observed: Observed) -> None:
        limit = self._settings.body_stored
        text = written(value, limit)
        if len(text) <= limit:
            observed.response[name] = value
        else:
            observed.response[name] = text[:limit] + "…"
            observed.notes.append(f"of the reply the first {limit} characters are kept")

    async def _read_stream(self, connection: AbstractConnection, stream: Mapping[str, Any], observed: Observed) -> None:
        wanted = min(int(stream.get("count") or 100), self._settings.rows)
        where = {str(name): str(to_json(value)) for name, value in (stream.get("where") or {}).items()}
        since = str(stream.get("since") or "0")
        messages: list[dict[str, Any]] = []
        scanned = 0
        while len(messages) < wanted:
            start = "-" if since in ("0", "0-0", "-") else f"({since}"
            page = await _ask(connection, "XRANGE", stream["key"], start, "+", "COUNT", _PAGE) or []
            found = (_message(entry) for entry in page)
            messages += [one for one in found if where.items() <= one["fields"].items()]
            scanned += len(page)
            if len(page) < _PAGE:
                break
            since = page[-1][0].decode()
            if scanned >= _MAX_SCANNED:
                observed.notes.append(f"only {scanned} messages of the stream were looked at")
                break
        self._finish(messages[:wanted], scanned, stream.get("decode") or [], observed)

    def _finish(self, messages: list[dict[str, Any]], scanned: int, decode: list[str], observed: Observed) -> None:
        for message in messages:
            for name in decode:
                if name in message["fields"]:
                    message["fields"][name] = _decoded(message["fields"][name])
        observed.subjects["messages"] = messages
        observed.response["scanned"] = scanned
        self._keep("messages", messages, observed)

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.disconnect()
        self._pools.clear()


def _command(params: Mapping[str, Any], traceparent: str) -> list[str]:
    """The words of the command; a message that is published carries the trace along."""
    words = [word if isinstance(word, str) else json.dumps(word) for word in params.get("command") or []]
    if not words:
        return []
    name = words[0].upper()
    if name in _ENDLESS:
        raise StepBlocked(f"the command {name} never ends: it cannot be a step")
    if name == "XADD" and traceparent and "traceparent" not in words:
        words += ["traceparent", traceparent]
    return words


async def _ask(connection: AbstractConnection, *words: Any) -> Any:
    await connection.send_command(*words)
    return await connection.read_response()


def _message(entry: Any) -> dict[str, Any]:
    """A stream entry ``[id, [name, value, …]]`` as an object."""
    fields = [to_json(part) for part in entry[1] or []]
    return {"id": to_json(entry[0]), "fields": dict(zip(fields[::2], fields[1::2], strict=True))}


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _failure(error: Exception, url: str) -> str:
    if isinstance(error, AuthenticationError):
        return f"Redis at {without_password(url)} refused the login: {error}"
    if isinstance(error, ResponseError):
        return f"Redis refused the command: {error}"
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"no connection to {without_password(url)}: {reason}"
