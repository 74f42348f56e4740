"""From where each step of a case reads: positions that were taken before the action."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

from apps.execution.executors.brokers.base import Broker, Mark, Pauses, Source
from apps.execution.executors.brokers.registry import Brokers
from apps.execution.executors.sessions import CaseSession

_OPEN = "subscriptions"  # in the session's ``carried``


@dataclass(frozen=True, slots=True)
class Place:
    """A source at a broker."""

    url: str
    ca: str
    source: Source

    @property
    def key(self) -> str:
        """The same for the same place; tells nothing of the address."""
        told = json.dumps([self.url, self.ca, self.source.name, self.source.options], sort_keys=True, default=str)
        return "case:" + hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A place and the mark from which it is read."""

    place: Place
    mark: Mark

    def as_json(self) -> dict[str, Any]:
        """What goes on when the case waits for a person."""
        source = self.place.source
        return {
            "url": self.place.url,
            "ca": self.place.ca,
            "name": source.name,
            "options": dict(source.options),
            "mark": dict(self.mark),
        }

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """The one that ``as_json`` told."""
        place = Place(told["url"], told["ca"], Source(name=told["name"], options=told["options"]))
        return cls(place, told["mark"])


class Subscriptions:
    """The subscriptions of one case, by name; closed when it ends, also when another worker goes on with it."""

    def __init__(self, session: CaseSession, brokers: Brokers) -> None:
        self._session = session
        self._brokers = brokers
        self._open: dict[str, Any] = session.carried.setdefault(_OPEN, {})

    @classmethod
    def of(cls, session: CaseSession, brokers: Brokers) -> Self:
        """Those of the case whose *session* it is."""
        if _OPEN not in session.held:
            session.held[_OPEN] = made = cls(session, brokers)
            session.at_end(made._close)
            session.at_pause(made._pause)
        found: Self = session.held[_OPEN]
        return found

    def find(self, name: str) -> Subscription | None:
        """The subscription that was opened as *name*."""
        return Subscription.of(self._open[name]) if name in self._open else None

    async def open(self, name: str, place: Place, broker: Broker, since: str) -> Subscription:
        """Begin to look at *place*; what was open as *name* is closed."""
        subscription = Subscription(place, await broker.mark(place.source, since))
        before = self.find(name)
        self._open[name] = subscription.as_json()
        if before is not None:
            await self._forget(before)
        return subscription

    async def _forget(self, subscription: Subscription) -> None:
        broker = self._brokers.find(subscription.place.url, subscription.place.ca)
        await broker.forget(subscription.mark)

    async def _pause(self) -> None:
        for name in list(self._open):
            open_one = Subscription.of(self._open[name])
            broker = self._brokers.find(open_one.place.url, open_one.place.ca)
            if isinstance(broker, Pauses):
                mark = await broker.pause(open_one.mark)
                self._open[name] = Subscription(open_one.place, mark).as_json()

    async def _close(self) -> None:
        for name in list(self._open):
            await self._forget(Subscription.of(self._open.pop(name)))
