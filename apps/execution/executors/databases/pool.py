"""Pools of sessions, whatever the database: how many there are, which are used again, what is ended in the server."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)
_IDLE_SECONDS = 60.0
_END_SECONDS = 5.0


class Session(ABC):
    """One connection; *raw* is the driver's. A session in which a statement may have left something behind is not
    *is_clean*, and one whose statement still runs is not *is_done*; neither is used again."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.is_clean = True
        self.is_done = True
        self.idle_since = 0.0

    @property
    @abstractmethod
    def is_usable(self) -> bool:
        """Whether it is open, as far as can be told without asking the server, and waits for a statement."""

    def close(self) -> None:
        """Let go of it, without waiting for the server."""
        self.raw.close()


S = TypeVar("S", bound=Session)


class Pool(ABC, Generic[S]):
    """Sessions in one database: at most *size* at once, kept for a minute when idle.

    A database opens its sessions and ends statements in its own way; which session is used again is decided here.
    """

    def __init__(self, size: int) -> None:
        self._idle: list[S] = []
        self._room = asyncio.Semaphore(size)
        self._ending: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def open(self) -> S:
        """A new session, at a checked address. Raises what the driver raises, ``EgressDenied`` and ``StepBlocked``."""

    @abstractmethod
    async def end(self, session: S) -> None:
        """Have the server stop the statement of *session*, and close it. It is given a few seconds for that."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[tuple[S, float]]:
        """A session and the milliseconds it took to open (0 when it was open)."""
        async with self._room:
            started = time.perf_counter()
            session = self._used_before()
            opened = session is None
            if session is None:
                session = await self.open()
            try:
                yield session, (time.perf_counter() - started) * 1000 if opened else 0.0
            finally:
                self._give_back(session)

    def _used_before(self) -> S | None:
        oldest = time.monotonic() - _IDLE_SECONDS
        while self._idle:
            session = self._idle.pop()
            if session.idle_since > oldest and session.is_usable:
                return session
            session.close()
        return None

    def _give_back(self, session: S) -> None:
        if not session.is_done:
            task = asyncio.create_task(self._end(session))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        elif session.is_clean and session.is_usable:
            session.idle_since = time.monotonic()
            self._idle.append(session)
        else:
            session.close()

    async def _end(self, session: S) -> None:
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self.end(session)
        except TimeoutError:
            log.debug("a statement could not be ended within %g s", _END_SECONDS)

    async def aclose(self) -> None:
        """Close the idle sessions, once the server was told what to end."""
        if self._ending:
            await asyncio.wait(self._ending)
        while self._idle:
            self._idle.pop().close()
