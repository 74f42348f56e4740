"""Storing results as they come, in batches, in a thread with a connection of its own."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from threading import Condition, Thread
from time import monotonic
from typing import Any

import structlog
from celery.signals import worker_process_shutdown
from django.db import connections

from apps.execution.worker import AWAY, at_last
from apps.runs import services as runs
from apps.runs.results import Result

logger = structlog.get_logger(__name__)

FLUSH_EVERY = 0.2  # seconds; results that end within it are stored together
BATCH = 250
LAST = 60.0  # seconds that a process which ends gives to its last results; what is not stored then is executed again

Then = Callable[[], object]


class Recorder:
    """Collects results and stores them in batches, beside the loop: claims need not queue for them, and a chunk that
    has executed its last case makes room for the next one while its results are being stored.

    A batch is what came within ``FLUSH_EVERY`` or while the one before was being stored, so that batches grow with the
    load and a single result does not wait. What cannot be stored comes back when its lease ends.
    """

    def __init__(self) -> None:
        self._waiting: list[Result] = []
        self._added = self._stored = 0
        self._marks: deque[tuple[int, Then, Future[None]]] = deque()  # due when so many are stored
        self._changed = Condition()
        self._thread: Thread | None = None
        self._behind: Future[None] | None = None

    def add(self, result: Result) -> None:
        """Store *result* with the next batch."""
        with self._changed:
            self._waiting.append(result)
            self._added += 1
            self._begin()

    def after(self, then: Then) -> Future[None]:
        """Call *then*, in the thread of the recorder, when all that was added until now is stored; nothing waits for
        others any more. Gives what tells that it is over, also when it failed, as the log says."""
        done: Future[None] = Future()
        with self._changed:
            self._marks.append((self._added, then, done))
            self._begin()
        return done

    async def hand_over(self, then: Then) -> None:
        """The same for who goes on at once, or when what was handed over before is done: never are two behind."""
        before, self._behind = self._behind, self.after(then)
        if before is not None:
            await asyncio.wait([asyncio.wrap_future(before)])

    def _begin(self) -> None:
        # Anew when it could not be started, or has ended: a child at the limit of its memory gets none of either.
        if self._thread is None or not self._thread.is_alive():
            thread = Thread(target=self._work, name="recorder", daemon=True)
            thread.start()
            self._thread = thread
        self._changed.notify()

    def _work(self) -> None:
        stored = -FLUSH_EVERY
        while True:
            if batch := self._next(stored + FLUSH_EVERY):
                self._store(batch)
                stored = monotonic()
            while self._marks and self._marks[0][0] <= self._stored:
                _, then, done = self._marks.popleft()
                _call(then, done)

    def _next(self, at: float) -> list[Result]:
        """What is to be stored now: as soon as something waits, at the time *at*, or a batch is full, or is marked."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._marks)
            self._changed.wait_for(lambda: self._marks or len(self._waiting) >= BATCH, max(0.0, at - monotonic()))
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            return batch

    def _store(self, batch: list[Result]) -> None:
        try:
            _record(batch)
        finally:
            self._stored += len(batch)


def _record(batch: list[Result]) -> None:
    try:
        # What was stored before the answer was lost is not stored again, since its claim is over.
        at_last(runs.record, batch)
    except Exception as error:
        if len(batch) == 1 or isinstance(error, AWAY):
            logger.exception("results.unstored", executions=[one.execution_id for one in batch])
            return
        for one in batch:  # which cannot be stored is not known, and the others can
            _record([one])


def _call(then: Then, done: Future[None]) -> None:
    try:
        at_last(then)
    except Exception:
        logger.exception("results.unfinished")
    finally:
        done.set_result(None)


@cache
def recorder() -> Recorder:
    """That of this process."""
    return Recorder()


@worker_process_shutdown.connect
def finish(**_: Any) -> None:
    """A child of the worker ends properly: nothing that it executed is executed again."""
    recorder().after(connections.close_all).result(LAST)  # not connection.close: that is of the thread that says it
