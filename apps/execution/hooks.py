"""Addresses at which a case is called back, and the calls that came: written by the web, read by workers.

An address holds its key, its expiry and a signature, so the web takes calls for nothing else and needs nobody to tell
it of new ones. Calls wait in Redis, encrypted, until the case ends or the address expires.
"""

import base64
import binascii
import hmac
import json
import struct
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import redis
import redis.asyncio
from django.conf import settings
from django.utils.crypto import salted_hmac

from apps.environments.services import decrypt, encrypt
from apps.execution.engine.clock import time_of_day

KEPT = 24 * 3_600  # seconds that an address is good for; a case that waits for a person may need it so long
MOST_CALLS = 100
_ROUND = 3_600  # the same address all through the hour
_SIGNATURE = 16
_IS_CLOSED, _IS_FULL = -1, -2
_KEEP = f"""\
if redis.call('EXISTS', KEYS[2]) == 1 then return {_IS_CLOSED} end
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then return {_IS_FULL} end
local number = redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('EXPIREAT', KEYS[1], ARGV[3])
return number
"""  # in one go: of calls at once, none is kept beyond the limit or behind the end


class NoSuchHook(Exception):
    """The token was not made here, or its time is over."""


class TooManyCalls(Exception):
    """The address was called so often already."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One address: the key of its calls, and when it ends (seconds since the epoch)."""

    key: str
    expires: int


def token_of(key: str) -> str:
    """A token for the hexadecimal *key*, good for a day."""
    ends = (int(time_of_day().timestamp()) // _ROUND + 1) * _ROUND + KEPT
    signed = bytes.fromhex(key) + struct.pack(">I", ends)
    return base64.urlsafe_b64encode(signed + _signature(signed)).decode()


def read_token(token: str) -> Hook:
    """The hook of *token*. Raises ``NoSuchHook``."""
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except (binascii.Error, ValueError):
        raise NoSuchHook from None
    signed, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
    if len(signed) != 20 or not hmac.compare_digest(signature, _signature(signed)):
        raise NoSuchHook
    (ends,) = struct.unpack(">I", signed[16:])
    if ends < time.time():
        raise NoSuchHook
    return Hook(signed[:16].hex(), ends)


def _signature(signed: bytes) -> bytes:
    return salted_hmac("execution.hooks", signed, algorithm="sha256").digest()[:_SIGNATURE]


@cache
def _client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, **settings.REDIS_PATIENCE)


@cache
def _async_client() -> redis.asyncio.Redis:
    patience: dict[str, Any] = settings.REDIS_PATIENCE
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, **patience)


def _list(key: str) -> str:
    return f"hook:{key}"


def _closed(key: str) -> str:
    return f"hook:{key}:closed"


def keep(hook: Hook, call: dict[str, Any]) -> int:
    """Keep *call* for the case that waits for it; how many it has now. Raises ``NoSuchHook``, ``TooManyCalls``."""
    keys, kept = (_list(hook.key), _closed(hook.key)), encrypt(json.dumps(call).encode())
    number = int(cast(int, _client().eval(_KEEP, len(keys), *keys, kept, MOST_CALLS, hook.expires)))
    if number == _IS_CLOSED:
        raise NoSuchHook
    if number == _IS_FULL:
        raise TooManyCalls
    return number


class StoredCallbacks:
    """What the engine knows of hooks (``engine.callbacks.Callbacks``)."""

    def address(self, key: str, base: str) -> str:
        """``…/hooks/<token>``; a path may follow."""
        return f"{(base or settings.BASE_URL).rstrip('/')}/hooks/{token_of(key)}"

    async def calls(self, key: str, after: int) -> list[dict[str, Any]]:
        """Calls without the first *after*. Raises ``OSError`` while Redis is away."""
        try:
            found = await _async_client().lrange(_list(key), after, -1)
        except redis.RedisError as error:
            raise OSError(str(error)) from None
        return [json.loads(decrypt(one)) for one in cast("list[bytes]", found)]

    async def close(self, key: str) -> None:
        """Forget the calls; the address is gone."""
        closing = _async_client().pipeline()
        closing.delete(_list(key))
        closing.set(_closed(key), 1, ex=KEPT + 2 * _ROUND)
        await closing.execute()
