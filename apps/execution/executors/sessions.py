"""What the steps of one case share: things that are opened for the case and closed with it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from typing import Any, Self

log = logging.getLogger(__name__)
_COOKIES = "http.cookies"


class CaseSession:
    """Kept from the beginning of a case to its end, whichever of its steps need it.

    *held* is whatever executors keep, by keys of their own. *carried* is JSON: it goes on when the case waits
    for a person and is continued elsewhere, as do *cookies* (domain, path and name → the line of a cookie file).
    *mailbox* is the box of the environment.
    """

    def __init__(self, carried: Mapping[str, Any] | None = None, *, mailbox: str = "") -> None:
        self.mailbox = mailbox
        self.held: dict[Any, Any] = {}
        self.carried: dict[str, Any] = dict(carried or {})
        self.cookies: dict[str, str] = dict(self.carried.pop(_COOKIES, {}))
        self._at_end: list[Callable[[], Awaitable[None]]] = []
        self._at_pause: list[Callable[[], Awaitable[None]]] = []

    def beside(self) -> Self:
        """For a branch that runs beside others: everything is shared, but it signs in and out by itself."""
        branch = copy(self)
        branch.cookies = dict(self.cookies)
        return branch

    def to_carry(self) -> dict[str, Any]:
        """What goes on in another process, as JSON."""
        return {**self.carried, **({_COOKIES: self.cookies} if self.cookies else {})}

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
