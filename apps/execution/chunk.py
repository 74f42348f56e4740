"""Executing one chunk: claim, run concurrently on the loop, store results in batches, obey a cancel."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

import structlog

from apps.execution import requests, watch
from apps.execution.engine.model import CaseOutcome, CaseRequest
from apps.execution.engine.runner import run_case
from apps.execution.outcome import to_result
from apps.execution.worker import engine_executors, in_database, name
from apps.runs import services as runs
from apps.runs.results import Result

logger = structlog.get_logger(__name__)

GRACE = 60.0  # seconds between a case's own limit and the end of its lease: teardown, storing
FLUSH_EVERY = 0.05  # seconds; results that end within it are stored together
BATCH = 64


class Recorder:
    """Collects results and stores them in batches, in the database thread."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Result | None] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def add(self, result: Result) -> None:
        """Store *result* with the next batch."""
        self._queue.put_nowait(result)

    async def close(self) -> None:
        """Store what is left; raises what storing raised."""
        self._queue.put_nowait(None)
        await self._writer

    async def _write(self) -> None:
        more = True
        while more:
            first = await self._queue.get()
            if first is None:
                return
            batch, deadline = [first], monotonic() + FLUSH_EVERY
            while len(batch) < BATCH and (left := deadline - monotonic()) > 0:
                try:
                    following = await asyncio.wait_for(self._queue.get(), left)
                except TimeoutError:
                    break
                if following is None:
                    more = False
                    break
                batch.append(following)
            await in_database(runs.record, batch)


async def execute(run_id: int, ids: Sequence[int]) -> None:
    """Execute the queued executions *ids* of one run; those that somebody else has are left to them."""
    pending = list(ids)
    context = await in_database(requests.context_of, run_id)
    recorder = Recorder()
    running: set[asyncio.Task[None]] = set()
    cancelled = asyncio.create_task(watch.until_cancelled(run_id))
    try:
        while pending or running:
            free = context.parallel - len(running)
            if pending and free > 0:
                taking, pending = pending[:free], pending[free:]
                claimed = await in_database(_claim, context, taking)
                running |= {asyncio.create_task(_one(claim, request, recorder)) for claim, request in claimed}
            if running:
                waiting_for = {*running} if cancelled.done() else {*running, cancelled}
                done, _ = await asyncio.wait(waiting_for, return_when=asyncio.FIRST_COMPLETED)
                if cancelled in done:
                    pending.clear()
                    for task in running:
                        task.cancel()
                running -= done
                _report(done - {cancelled})
    finally:
        cancelled.cancel()
        await recorder.close()


def _report(done: set[asyncio.Task[None]]) -> None:
    """The engine does not raise; should it, the execution comes back when its lease ends, and the log says why."""
    for task in done:
        if not task.cancelled() and (error := task.exception()):
            logger.error("execution.crashed", exc_info=error)


def _claim(context: requests.RunContext, ids: Sequence[int]) -> list[tuple[requests.Claim, CaseRequest]]:
    lease = timedelta(seconds=requests.longest(ids) + GRACE)
    return requests.build(context, runs.claim(ids, name(), lease))


async def _one(claim: requests.Claim, request: CaseRequest, recorder: Recorder) -> None:
    structlog.contextvars.bind_contextvars(run_id=request.run_id, execution_id=request.execution_id)
    outcome: CaseOutcome = await run_case(request, engine_executors())
    logger.info("execution.ended", state=outcome.state, duration_ms=round(outcome.duration_ms, 1))
    recorder.add(to_result(claim, request, outcome))
