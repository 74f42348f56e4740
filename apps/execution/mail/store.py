"""Where received mail waits for the steps that read it: a Redis stream for each box, limited and short-lived."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

from redis.asyncio import Redis

from apps.core.mailboxes import is_of_environment

KEPT = 6 * 3_600  # seconds after the last mail of a box
PER_BOX = 200  # mails of one execution; the oldest goes
PER_ENVIRONMENT = 20_000  # of all executions there, many of which may be on their way at once
TOTAL = 256 * 1024 * 1024  # bytes of all mail together, since Redis has other work, too
_PREFIX = "integhub:mail"
_HOUR = 3_600


class NoRoom(Exception):
    """There is too much mail already."""


class MailStore:
    """Mail by box. *redis* decodes nothing."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, box: str, mail: dict[str, Any]) -> None:
        """Keep *mail*. Raises ``NoRoom``."""
        body = json.dumps(mail, ensure_ascii=False).encode()
        hour = int(time.time() // _HOUR)
        hours = [f"{_PREFIX}:bytes:{hour - ago}" for ago in range(KEPT // _HOUR + 1)]
        used = sum(int(value) for value in await self._redis.mget(hours) if value)
        if used + len(body) > TOTAL:
            raise NoRoom
        most = PER_ENVIRONMENT if is_of_environment(box) else PER_BOX
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incrby(hours[0], len(body))
            pipe.expire(hours[0], KEPT + _HOUR)
            pipe.xadd(_key(box), {"mail": body}, maxlen=most, approximate=False)
            pipe.expire(_key(box), KEPT)
            await pipe.execute()

    async def position(self, box: str) -> str:
        """The id of the newest mail of *box*: what comes later is new."""
        newest: Any = await self._redis.xrevrange(_key(box), count=1)
        return newest[0][0].decode() if newest else "0-0"

    async def since(self, box: str, position: str) -> AsyncIterator[dict[str, Any]]:
        """Mail of *box* after *position*; waits for more, for ever."""
        while True:
            found: Any = await self._redis.xread({_key(box): position}, count=20, block=1_000)
            for _name, entries in found.items() if isinstance(found, dict) else found or []:
                for identity, fields in entries if isinstance(found, list) else entries[0]:
                    position = identity.decode()
                    yield {"id": position, **json.loads(fields[b"mail"])}

    async def aclose(self) -> None:
        """Close every connection."""
        await self._redis.aclose()


def _key(box: str) -> str:
    return f"{_PREFIX}:box:{box}"
