"""Storing results as they come, in batches, in the worker's database thread."""

import asyncio
from time import monotonic

from apps.execution.worker import in_database_at_last
from apps.runs import services as runs
from apps.runs.results import Result

FLUSH_EVERY = 0.1  # seconds; results that end within it are stored together
BATCH = 250


class Recorder:
    """Collects results and stores them in batches, in the database thread.

    A batch is what came within ``FLUSH_EVERY`` or while the one before was being stored, so that batches grow with the
    load and a single result does not wait.
    """

    def __init__(self) -> None:
        self._waiting: list[Result] = []
        self._news = asyncio.Event()
        self._closed = False
        self._writer = asyncio.create_task(self._write())

    def add(self, result: Result) -> None:
        """Store *result* with the next batch."""
        self._waiting.append(result)
        self._news.set()

    async def close(self) -> None:
        """Store what is left; raises what storing raised."""
        self._closed = True
        self._news.set()
        await self._writer

    async def _write(self) -> None:
        stored = -FLUSH_EVERY
        while not self._closed or self._waiting:
            await self._news.wait()
            if not self._closed and (left := stored + FLUSH_EVERY - monotonic()) > 0:
                await asyncio.sleep(left)
            self._news.clear()
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            if self._waiting or self._closed:
                self._news.set()
            if batch:
                # What was stored before the answer was lost is not stored again, since its claim is over.
                await in_database_at_last(runs.record, batch)
                stored = monotonic()
