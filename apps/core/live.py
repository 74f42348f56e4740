"""Live events: Redis streams, so that a page that was cut off reads on from the last event it saw.

A topic is a short string (``run:17``). Events are small JSON objects; pages fetch what they show by htmx.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import cache
from time import monotonic
from typing import Any

import orjson
import redis
import redis.asyncio
import structlog
from django.conf import settings

logger = structlog.get_logger(__name__)

KEPT = 2_000  # events a topic; older ones are cut, and a page that missed more reloads
EXPIRES = 24 * 3_600  # seconds after the last event
READ = 1_000  # events that are read at once
GATHER = 0.1  # seconds that news wait for others after the last ones were sent
HEARTBEAT = 15_000  # ms without news until a comment keeps the connection open
MUTE = 2.0  # seconds without another try after Redis did not answer: results must not wait for their news
RECHECK = 60.0  # seconds after which a reader is asked again whether he may read


_mute_until = 0.0


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, **settings.REDIS_PATIENCE)


def ping() -> None:
    """Raises when Redis does not answer."""
    _client().ping()


def _key(topic: str) -> str:
    return f"live:{topic}"


Event = tuple[str, str, Mapping[str, Any]]  # topic, event, data
News = tuple[bytes, bytes]  # event, data as JSON, as they are on their way to a page


def publish(topic: str, event: str, data: Mapping[str, Any]) -> None:
    """Tell open pages of *topic*. Call after the commit that made it true.

    The truth is in the database already: while Redis is away, news are lost and pages see them with their next load.
    """
    publish_all([(topic, event, data)])


def publish_all(events: Sequence[Event]) -> None:
    """Tell several events, in their order, with one message to Redis."""
    global _mute_until
    if monotonic() < _mute_until:
        return
    pipe = _client().pipeline(transaction=False)
    for topic, event, data in events:
        pipe.xadd(_key(topic), {"event": event, "data": _written(data)}, maxlen=KEPT, approximate=True)
    for topic in {topic for topic, _, _ in events}:
        pipe.expire(_key(topic), EXPIRES)
    try:
        pipe.execute()
    except redis.RedisError as error:
        _mute_until = monotonic() + MUTE
        logger.warning("live.unheard", topics=sorted({topic for topic, _, _ in events}), error=str(error))


def _written(data: Mapping[str, Any]) -> bytes:
    """*data* as JSON. What is no plain value stands there as text: news must not undo what they tell of."""
    return orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)


def position(topic: str) -> str:
    """Id of the newest event of *topic*; a page rendered now need not see older ones."""
    newest: Any = _client().xrevrange(_key(topic), count=1)
    return newest[0][0].decode() if newest else "0-0"


def _as_they_are(news: Sequence[News]) -> Sequence[News]:
    return news


async def stream(
    topic: str,
    after: str,
    may_read: Callable[[], Awaitable[bool]],
    fold: Callable[[Sequence[News]], Sequence[News]] = _as_they_are,
) -> AsyncIterator[bytes]:
    """Server-sent events of *topic* after the event id *after*, for as long as the reader stays and *may_read*.

    What happens within ``GATHER`` of the last ones is sent together, as *fold* makes one of it.
    """
    patience: dict[str, Any] = settings.REDIS_PATIENCE | {
        "socket_timeout": HEARTBEAT / 1000 + settings.REDIS_PATIENCE["socket_timeout"]
    }
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL, **patience)
    checked = monotonic()
    try:
        yield b"retry: 1000\n\n"
        while True:
            answer: Any = await client.xread({_key(topic): after}, count=READ, block=HEARTBEAT)
            if monotonic() - checked >= RECHECK:
                if not await may_read():
                    return  # the browser comes again, and is refused
                checked = monotonic()
            if not answer:
                yield b": still here\n\n"
                continue
            entries = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
            after = entries[-1][0].decode()
            if piece := _as_text(fold([(fields[b"event"], fields[b"data"]) for _, fields in entries]), after):
                yield piece
            await asyncio.sleep(GATHER)
    finally:
        await client.aclose()


def _as_text(news: Sequence[News], last: str) -> bytes:
    """Server-sent events in one piece. Only the last names the place: whoever got fewer of them hears all again."""
    events = [b"event: %b\ndata: %b\n" % one for one in news]
    return b"\n".join([*events[:-1], b"id: %b\n%b" % (last.encode(), events[-1]), b""]) if events else b""
