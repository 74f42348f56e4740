"""Telling workers that a run was cancelled: a key in Redis that every chunk of the run looks at."""

import asyncio
from functools import cache

import redis
import redis.asyncio
from django.conf import settings

EVERY = 0.25  # seconds between looks
KEPT = 24 * 3_600


def _key(run_id: int) -> str:
    return f"cancel:{run_id}"


@cache
def _client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL)


@cache
def _async_client() -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(settings.REDIS_URL)


def announce_cancel(run_id: int) -> None:
    """Tell the workers. Call after the commit."""
    _client().set(_key(run_id), 1, ex=KEPT)


async def until_cancelled(run_id: int) -> None:
    """Return once the run was cancelled."""
    while True:
        try:
            if await _async_client().exists(_key(run_id)):
                return
        except redis.RedisError:
            pass  # Redis is away: the chunk goes on, the next look may answer
        await asyncio.sleep(EVERY)
