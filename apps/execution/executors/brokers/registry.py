"""The brokers that are known by the scheme of their URL, and those of one event loop."""

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from urllib.parse import urlsplit

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.brokers.base import Broker

GROUP = "integhub.brokers"

# Imported when a step first needs them.
_BUILT_IN = {
    "redis": "apps.execution.executors.brokers.redis_streams:RedisStreams",
    "rediss": "apps.execution.executors.brokers.redis_streams:RedisStreams",
    "amqp": "apps.execution.executors.brokers.amqp:Amqp",
    "amqps": "apps.execution.executors.brokers.amqp:Amqp",
    "mqtt": "apps.execution.executors.brokers.mqtt:Mqtt",
    "mqtts": "apps.execution.executors.brokers.mqtt:Mqtt",
}


@cache
def places() -> dict[str, str]:
    """Where the adapter of each scheme is; a package cannot replace one that comes with IntegHub."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)} | _BUILT_IN


class Brokers:
    """The adapters of one event loop: one for each address."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._made: dict[tuple[str, str], Broker] = {}

    def find(self, url: str, ca: str = "") -> Broker:
        """The adapter for *url*. Raises ``StepBlocked`` when there is none."""
        key = (url, ca)
        if key not in self._made:
            self._made[key] = _class(url)(url, ca, self._settings)
        return self._made[key]

    async def aclose(self) -> None:
        """Close every connection."""
        made, self._made = self._made, {}
        for broker in made.values():
            await broker.aclose()


def _class(url: str) -> type[Broker]:
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise StepBlocked(f"the broker's URL cannot be used: {error}") from None
    place = places().get(scheme)
    if place is None:
        what = f"{scheme}:// is not supported" if scheme else "it is not a URL"
        known = ", ".join(f"{name}://" for name in places())
        raise StepBlocked(f"the broker's URL cannot be used: {what}; use one of {known}")
    module, _, name = place.partition(":")
    found: type[Broker] = getattr(import_module(module), name)
    return found
