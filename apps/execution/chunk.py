"""Executing one chunk: claim, run concurrently on the loop, store results in batches, obey a pause and a cancel."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from time import monotonic

import structlog
from django.db import DatabaseError

from apps.core.states import NOT_PASSED, State
from apps.execution import requests, room, watch
from apps.execution.engine.model import CaseOutcome, CaseRequest
from apps.execution.engine.runner import run_case
from apps.execution.outcome import to_result
from apps.execution.recorder import recorder
from apps.execution.shares import Share
from apps.execution.worker import engine_executors, in_database, in_database_at_last, name
from apps.runs import services as runs

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=45)  # renewed while the process lives, so that what it loses comes back soon
RENEW_EVERY = 10.0  # seconds
LONGEST = 600.0  # seconds in which a chunk begins executions; with the longest case below the hard limit of Celery
LOOK_EVERY = 1.0  # seconds between looks at what became of the run
ROOM_EVERY, PATIENCE = 0.05, 1.0  # seconds: how often, and how long, a chunk without a place asks for one


async def execute(run_id: int, ids: Sequence[int], width: int | None = None) -> None:
    """Execute the queued executions *ids* of one run, at most *width* at once; what others have is left to them."""
    # A message may come again, or late: what it is about may have been executed long ago.
    if waiting := await in_database_at_last(runs.still_waiting, ids):
        context = await in_database_at_last(requests.context_of, run_id)
        await Chunk(context, waiting, width).run()


class Chunk:
    """Executions of one run that this process was sent: claimed as places become free, executed concurrently."""

    def __init__(self, context: requests.RunContext, ids: Sequence[int], width: int | None = None) -> None:
        self._context = context
        self._pending = list(ids)
        self._running: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()  # set when something can begin in the place of what has ended
        self._claims: dict[int, int] = {}
        self._cancelled: set[asyncio.Task[None]] = set()
        self._share = Share.of(context.environment_id, width)
        self._recorder = recorder()
        self._makes_room = False  # something of it ran, so that others may find room afterwards
        self._freed_names = False
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Until nothing of it is left to this process."""
        looking = asyncio.create_task(self._look())
        try:
            if await self._find_room():
                await self._execute()
        finally:
            # Not cancelled but told, and waited for: a share that it took again afterwards would stay.
            self._over.set()
            await asyncio.wait([looking])
            await in_database_at_last(self._share.give_back)
            # What it executed is stored while the next chunk begins.
            await self._recorder.hand_over(self._make_room)

    def _make_room(self) -> None:
        if self._makes_room:
            room.wake(self._context.environment_id)

    async def _find_room(self) -> bool:
        """Take places. While others hold all of them, wait a moment, then leave the work to whoever makes room."""
        ends_at = monotonic() + PATIENCE
        while not await in_database_at_last(self._share.take, len(self._pending), first=True):
            if not self._pending or monotonic() > ends_at:
                # Room may have been made before it was noted that somebody wants it: hence once more.
                await in_database_at_last(runs.park, self._pending)
                return bool(await in_database_at_last(self._share.take, len(self._pending), first=True))
            await asyncio.sleep(ROOM_EVERY)
        return True

    async def _execute(self) -> None:
        ends_at = monotonic() + LONGEST
        while self._pending or self._running:
            self._freed.clear()
            if self._has_room():
                await self._begin(self._share.held - len(self._running))
            if not self._running and not await self._begin_parked():
                return
            if self._pending and monotonic() > ends_at:
                await in_database_at_last(runs.park, self._pending)  # sent again when this chunk leaves
                self._pending.clear()
            await self._wait()

    def _has_room(self) -> bool:
        """Whether so much has ended that claiming the next ones is worth a question to the database."""
        free = self._share.held - len(self._running)
        return bool(self._pending) and free >= min(len(self._pending), max(1, self._share.held // 4))

    async def _wait(self) -> None:
        """Until something ended that makes room; at most until the next look, as places may come and go."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await self._freed.wait()

    def _start(self, claim: requests.Claim, request: CaseRequest) -> None:
        task = asyncio.create_task(self._one(claim, request))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The engine does not raise; should it, the execution comes back when its lease ends, and the log says why."""
        self._running.discard(task)
        self._cancelled.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("execution.crashed", exc_info=error)
        if not self._running or self._has_room():
            self._freed.set()

    async def _begin(self, free: int) -> None:
        """Claim as many as there are places. What has to wait for others stays with this chunk while it lasts."""
        held_up: list[int] = []
        while self._pending and free > 0:
            taking, self._pending = self._pending[:free], self._pending[free:]
            # What was claimed before the answer was lost comes back when its lease ends.
            claimed = await in_database_at_last(_claim, self._context, taking)
            for claim, request in claimed:
                self._start(claim, request)
            self._claims |= {claim.execution_id: claim.number for claim, _ in claimed}
            self._makes_room |= bool(claimed)
            free -= len(claimed)
            if len(claimed) < len(taking):
                begun = {claim.execution_id for claim, _ in claimed}
                held_up += await in_database_at_last(runs.still_waiting, [pk for pk in taking if pk not in begun])
        self._pending += held_up

    async def _begin_parked(self) -> bool:
        """Nothing runs and nothing could begin: leave the rest to whoever makes room, after a last try."""
        parked = await in_database_at_last(runs.park, self._pending) if self._pending else 0
        if parked:
            await self._begin(self._share.held)
        if not self._running:
            self._pending.clear()
        return bool(self._running)

    async def _look(self) -> None:
        """Hear of a pause or a cancel, and renew the share; the database says how it is, Redis only hurries."""
        run_id, heard = self._context.run_id, await watch.announced(self._context.run_id)
        renewed = monotonic()
        while True:
            heard = await watch.nap(run_id, LOOK_EVERY, heard, self._over)
            if self._over.is_set():
                return
            try:
                state = await in_database(watch.state_of, run_id)
                if state:
                    self._pending.clear()
                if state == State.CANCELLED:
                    self._cancel()
                if monotonic() - renewed > RENEW_EVERY:
                    await in_database(runs.renew, self._claims, LEASE)
                    renewed = monotonic()
                await in_database(self._share.take, len(self._pending) + len(self._running), len(self._running))
                if self._freed_names:
                    self._freed_names = False
                    await in_database(room.wake, self._context.environment_id)
            except DatabaseError as error:
                logger.warning("chunk.unheard", run_id=run_id, error=str(error))

    def _cancel(self) -> None:
        """Each once: a second time would stop its teardown."""
        for task in self._running - self._cancelled:
            task.cancel()
        self._cancelled |= self._running

    async def _one(self, claim: requests.Claim, request: CaseRequest) -> None:
        structlog.contextvars.bind_contextvars(run_id=request.run_id, execution_id=request.execution_id)
        outcome: CaseOutcome = await run_case(request, engine_executors())
        if outcome.state.value in NOT_PASSED:  # thousands that pass in a second are told by their run
            logger.info("execution.ended", state=outcome.state, duration_ms=round(outcome.duration_ms, 1))
        self._recorder.add(to_result(claim, request, outcome))
        self._freed_names |= bool(request.case and request.case.exclusive)


def _claim(context: requests.RunContext, ids: Sequence[int]) -> list[tuple[requests.Claim, CaseRequest]]:
    return requests.build(context, runs.claim(ids, name(), LEASE))
