"""What the steps of one case share: things that are opened for the case and closed with it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

log = logging.getLogger(__name__)


class CaseSession:
    """Kept from the beginning of a case to its end, whichever of its steps need it.

    *held* is whatever executors keep, by keys of their own. *carried* is JSON: it goes on when the case waits
    for a person and is continued elsewhere. *mailbox* is the box of the environment.
    """

    def __init__(self, carried: Mapping[str, Any] | None = None, *, mailbox: str = "") -> None:
        self.mailbox = mailbox
        self.held: dict[Any, Any] = {}
        self.carried: dict[str, Any] = dict(carried or {})
        self._at_end: list[Callable[[], Awaitable[None]]] = []
        self._at_pause: list[Callable[[], Awaitable[None]]] = []

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call *close* when the case has ended; not when it only waits."""
        self._at_end.append(close)

    @property
    def is_open(self) -> bool:
        """Whether something waits to be closed."""
        return bool(self._at_end or self._at_pause)

    def at_pause(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call *close* when the case waits for a person: what stays open here is lost, what goes on is ``carried``."""
        self._at_pause.append(close)

    async def pause(self) -> None:
        """The case waits for a person, and goes on elsewhere."""
        closers, self._at_pause = self._at_pause, []
        await self._call(closers)

    async def aclose(self) -> None:
        """The case has ended."""
        closers, self._at_end = self._at_end, []
        await self._call(closers)

    async def _call(self, closers: list[Callable[[], Awaitable[None]]]) -> None:
        """Never raises: what cannot be closed now is the other side's to forget."""
        for close in reversed(closers):
            try:
                await close()
            except Exception:
                log.warning("what a case had opened could not be closed", exc_info=True)
