"""What a running chunk must hear of: that its run was cancelled or paused.

The truth stands in PostgreSQL, which a chunk asks once a second. A key in Redis only hurries:
while Redis is away, or when it was emptied, the news comes a second later.
"""

import asyncio
import time
from contextlib import suppress
from functools import cache
from typing import Any

import redis
import redis.asyncio
import structlog
from django.conf import settings

from apps.core.states import State
from apps.runs.models import TestRun

logger = structlog.get_logger(__name__)

EVERY = 0.2  # seconds between looks at Redis
# It only hurries: nobody waits for it.
PATIENCE: dict[str, Any] = settings.REDIS_PATIENCE | {"socket_timeout": 1, "socket_connect_timeout": 1}
KEPT = 60  # seconds; after that every chunk has asked PostgreSQL


def _key(run_id: int) -> str:
    return f"hurry:{run_id}"


@cache
def _client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, **PATIENCE)


@cache
def _async_client() -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, **PATIENCE)


def announce(run_id: int) -> None:
    """Tell chunks of the run to look at once. Call after the commit."""
    try:
        _client().set(_key(run_id), time.time_ns(), ex=KEPT)
    except redis.RedisError as error:
        logger.warning("announcement.unheard", run_id=run_id, error=str(error))


async def announced(run_id: int) -> bytes | None:
    """What was announced last; None for nothing, or while Redis is away."""
    try:
        found: Any = await _async_client().get(_key(run_id))
    except redis.RedisError:
        return None
    return bytes(found) if found is not None else None


async def nap(run_id: int, seconds: float, heard: bytes | None, over: asyncio.Event) -> bytes | None:
    """Sleep for *seconds*, or until something else was announced than *heard*, or *over* is set; returns the last
    announcement. Not to be cancelled: a wait for Redis that ends just then would swallow that."""
    end = asyncio.get_running_loop().time() + seconds
    while (left := end - asyncio.get_running_loop().time()) > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(min(EVERY, left)):
                await over.wait()
        if over.is_set():
            return heard
        if (last := await announced(run_id)) != heard:
            return last
    return heard


def state_of(run_id: int) -> str:
    """``cancelled``, ``paused`` or "" for a run that goes on."""
    found = TestRun.objects.filter(pk=run_id).values_list("cancel_requested_at", "paused_at").first()
    if found is None or found[0] is not None:
        return State.CANCELLED
    return PAUSED if found[1] is not None else ""


PAUSED = "paused"
