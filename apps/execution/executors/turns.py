"""Conversations: what a step says and hears, one turn after the other, whatever carries it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from apps.execution.executors.messages_wanted import Wanted


class Missing(Exception):
    """What was waited for did not come; the text says what did."""


class Ended(Exception):
    """The other side ended the conversation, so that nothing more comes and nothing can be said."""


class Turns(ABC):
    """The turns of ``exchange``: one that says something, ``receive``, or ``closed``.

    *waiting* is what the turn in hand waits for, for people; nothing when it says something.
    """

    ending: ClassVar[str]
    """What the other side does when it ends the conversation."""

    def __init__(self) -> None:
        self.turn = 0
        self.waiting = ""

    @property
    @abstractmethod
    def heard(self) -> int:
        """How many messages came so far."""

    @abstractmethod
    async def say(self, item: Mapping[str, Any]) -> None:
        """Send what the turn *item* says. Raises ``Ended``."""

    @abstractmethod
    async def hear(self) -> Mapping[str, Any]:
        """The next message, as ``Wanted`` looks at it. Raises ``Ended``, and ``Missing`` when too many came."""

    @property
    def place(self) -> str:
        """The turn in hand."""
        return f"exchange[{self.turn - 1}]"

    async def take(self, turns: Sequence[Mapping[str, Any]]) -> None:
        """Take them all. Raises ``Ended`` and ``Missing``."""
        for item in turns:
            self.turn += 1
            self.waiting = ""
            if "receive" in item:
                await self._receive(Wanted(item["receive"] or {}))
            elif "closed" in item:
                await self._wait_for_end(item["closed"])
            else:
                await self.say(item)
        self.waiting = ""

    async def _receive(self, wanted: Wanted) -> None:
        count = 1 if not wanted.is_timed else wanted.count
        matched, before = 0, self.heard
        try:
            async with asyncio.timeout(wanted.wait):
                while count is None or matched < count:
                    self.waiting = self._progress(wanted, matched, count, before)
                    matched += wanted.matches(await self.hear())
        except TimeoutError:
            if count is not None:
                raise Missing(f"{self._progress(wanted, matched, count, before)} within {wanted.wait:g} s") from None

    def _progress(self, wanted: Wanted, matched: int, count: int | None, before: int) -> str:
        if count is None:
            return f"{self.place}: {self.heard - before} messages came"
        which = f" {wanted}" if wanted.selective else ""
        also = f" ({self.heard - before} came in all)" if wanted.selective else ""
        return f"{self.place}: {matched} of {count} messages{which} came{also}"

    async def _wait_for_end(self, seconds: float) -> None:
        self.waiting = f"{self.place}: the other side did not {self.ending}"
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.hear()
        except Ended:
            return
        except TimeoutError:
            raise Missing(f"{self.waiting} within {seconds:g} s") from None
