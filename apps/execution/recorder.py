"""Storing results as they come, in batches, in the worker's database thread."""

import asyncio
from contextlib import suppress
from time import monotonic

from apps.execution.worker import in_database_at_last
from apps.runs import services as runs
from apps.runs.results import Result

FLUSH_EVERY = 0.2  # seconds; results that end within it are stored together
BATCH = 250


class Recorder:
    """Collects results and stores them in batches, in the database thread.

    A batch is what came within ``FLUSH_EVERY`` or while the one before was being stored, so that batches grow with the
    load and a single result does not wait.
    """

    def __init__(self) -> None:
        self._waiting: list[Result] = []
        self._news = asyncio.Event()
        self._full = asyncio.Event()  # nothing to wait for: a batch is full, or the last one is due
        self._closed = False
        self._writer = asyncio.create_task(self._write())

    def add(self, result: Result) -> None:
        """Store *result* with the next batch."""
        self._waiting.append(result)
        self._news.set()
        if len(self._waiting) >= BATCH:
            self._full.set()

    async def close(self) -> None:
        """Store what is left; raises what storing raised."""
        self._closed = True
        self._news.set()
        self._full.set()
        await self._writer

    async def _write(self) -> None:
        stored = -FLUSH_EVERY
        while not self._closed or self._waiting:
            await self._news.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, stored + FLUSH_EVERY - monotonic())):
                    await self._full.wait()
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            if not self._closed:
                if not self._waiting:
                    self._news.clear()
                if len(self._waiting) < BATCH:
                    self._full.clear()
            if batch:
                # What was stored before the answer was lost is not stored again, since its claim is over.
                await in_database_at_last(runs.record, batch)
                stored = monotonic()
