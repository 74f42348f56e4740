"""Ticks of beat that piled up while every worker was busy are worth no more than one."""

from functools import cache

import redis
from django.conf import settings


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, **settings.REDIS_PATIENCE)


def due(name: str, seconds: float) -> bool:
    """Whether the last tick *name* is at least *seconds* ago, by the clock of Redis; True while Redis is away."""
    try:
        return bool(_client().set(f"tick:{name}", 1, nx=True, px=round(seconds * 1000)))
    except redis.RedisError:
        return True
