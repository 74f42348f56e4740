"""Versions and faults of the running services, kept in Redis so that a switch works at once.

One hash per service, ``shop:control:<service>``: field ``version``, and ``fault:<operation>`` with
``delay:2``, ``error``, ``lost`` or ``malformed``. Services read their hash on each operation.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from examples.shop.catalogue import SERVICES

DEFAULT_DELAY = 2.0


class UnknownSwitchError(ValueError):
    """A service, version, operation or fault that does not exist."""


class FaultKind(StrEnum):
    """How an operation can be made to fail."""

    DELAY = "delay"
    ERROR = "error"
    LOST = "lost"
    MALFORMED = "malformed"


@dataclass(frozen=True)
class Fault:
    """A switched-on fault; *seconds* counts for delays only."""

    kind: FaultKind
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``delay``, ``delay:0.5``, ``error``, ``lost`` or ``malformed``."""
        word, _, seconds = text.partition(":")
        try:
            kind = FaultKind(word)
            duration = float(seconds or DEFAULT_DELAY) if kind is FaultKind.DELAY else 0.0
        except ValueError as error:
            raise UnknownSwitchError(
                f"unknown fault {text!r}; known: delay[:seconds], error, lost, malformed"
            ) from error
        return cls(kind, duration)

    def __str__(self) -> str:
        return f"{self.kind}:{self.seconds:g}" if self.kind is FaultKind.DELAY else str(self.kind)


@dataclass(frozen=True)
class Switches:
    """How a service is to behave at this moment."""

    version: str
    faults: Mapping[str, Fault] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The shape of ``GET /control/<service>``."""
        return {"version": self.version, "faults": {name: str(fault) for name, fault in self.faults.items()}}


class Control:
    """The switches of one service."""

    def __init__(self, redis: Redis, service: str) -> None:
        if service not in SERVICES:
            raise UnknownSwitchError(f"unknown service {service!r}; known: {', '.join(SERVICES)}")
        self._redis = redis
        self._service = service
        self._key = f"shop:control:{service}"
        self._card = SERVICES[service]

    async def read(self) -> Switches:
        """Return the present switches; without Redis the service behaves as it started."""
        try:
            stored = cast(Mapping[str, str], await self._redis.hgetall(self._key))
        except (RedisError, OSError):
            stored = {}
        faults = {
            name.removeprefix("fault:"): Fault.parse(value)
            for name, value in stored.items()
            if name.startswith("fault:")
        }
        return Switches(stored.get("version", self._version_at_start()), faults)

    async def set_version(self, version: str) -> None:
        """Let the service behave as *version* from its next operation on."""
        if version not in self._card.versions:
            known = ", ".join(self._card.versions)
            raise UnknownSwitchError(f"unknown version {version!r} of {self._service}; known: {known}")
        await self._redis.hset(self._key, "version", version)

    async def set_fault(self, operation: str, fault: str) -> None:
        """Switch a fault of *operation* on (``delay:0.5``), or off with ``none``."""
        if operation not in self._card.operations:
            known = ", ".join(self._card.operations)
            raise UnknownSwitchError(f"unknown operation {operation!r} of {self._service}; known: {known}")
        if fault == "none":
            await self._redis.hdel(self._key, f"fault:{operation}")
        else:
            await self._redis.hset(self._key, f"fault:{operation}", str(Fault.parse(fault)))

    async def reset(self) -> None:
        """Back to the version of the start, without faults."""
        await self._redis.delete(self._key)

    async def apply_environment(self) -> None:
        """At the start of the service: a version given by ``SHOP_<SERVICE>_VERSION`` wins over Redis."""
        if version := os.environ.get(self._variable):
            await self.set_version(version)

    @property
    def _variable(self) -> str:
        return f"SHOP_{self._service.upper()}_VERSION"

    def _version_at_start(self) -> str:
        return os.environ.get(self._variable) or self._card.default
