"""Sending queued executions to workers in chunks, to the queue of their environment and of what they need.

One message for each execution costs more than executing it (kombu's MULTI/EXEC for each delivery), so executions
travel in chunks; the first chunks are small, so that the first results come at once.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from apps.core.states import State
from apps.execution.queues import queue_of, width_of
from apps.runs.models import Execution, TestRun

logger = structlog.get_logger(__name__)

CHUNK_TASK = "execution.chunk"
FIRST, USUAL, LARGEST = 4, 50, 250
LAST = 64  # the last chunks are no smaller: each costs as much time as executing some forty quick ones
AIM = 1_000.0  # ms for which a full chunk should keep a worker busy: long enough to pay, short enough to share
REST_TASK = "execution.send-rest"
# Sent before the start of a run is answered: the chunks that grow, and a full one. A worker sends the rest.
AT_ONCE = 4 + 4 + 16 + 16 + 64 + 64 + LARGEST
MANY = 500  # from so many on, a run's rows are read rather than single ones


def largest(run: TestRun) -> int:
    """Executions of a full chunk, by how long those of *run* are expected to take."""
    if not run.expected_ms:
        return USUAL
    return max(FIRST, min(LARGEST, round(AIM * run.total / run.expected_ms)))


def chunks(ids: Sequence[int], largest: int = USUAL, first: int = FIRST, after: int = 0) -> Iterator[list[int]]:
    """Ids in chunks that grow, 4, 4, 16, 16, … *largest*, and halve towards the end, so that workers end together.

    *after* as many others will follow these.
    """
    start, size, again = 0, min(first, largest), False
    while left := len(ids) - start:
        fair = max(LAST, (left + after + 1) // 2)
        yield list(ids[start : start + min(size, fair)])
        start += min(size, fair, left)
        size = min(size * 4, largest) if again else size
        again = not again


def send(run: TestRun, ids: Sequence[int], most: int | None = None, *, first: int = FIRST, after: int = 0) -> None:
    """Hand *ids* (queued executions of *run*) to the workers of its environment, at most *most* together.

    The first chunk has *first* of them; *after* as many others will follow. Call after the commit.
    """
    special = Execution.objects.filter(run=run) if len(ids) > MANY else Execution.objects.filter(pk__in=ids)
    needs = dict(special.exclude(needs="").values_list("pk", "needs"))
    by_needs: dict[str, list[int]] = {}
    most = most or largest(run)
    for pk in ids:
        by_needs.setdefault(needs.get(pk, ""), []).append(pk)
    try:
        with current_app.producer_or_acquire() as producer:
            for needed, some in by_needs.items():
                queue, width = queue_of(run, needed), width_of(needed)
                # What one process does few of at once goes in small chunks, so that others take some of it.
                for chunk in chunks(some, min(width or most, most), first, after):
                    current_app.send_task(CHUNK_TASK, (run.pk, chunk, needed), queue=queue, producer=producer)
    except OperationalError as error:
        # The run is stored: the sweeper sends it as soon as Redis is back.
        logger.warning("dispatch.unsent", run_id=run.pk, error=str(error))


def send_queued(run: TestRun) -> None:
    """Send all that is queued in *run*, once the present transaction has been committed."""
    transaction.on_commit(partial(_send_queued, run))


def _send_queued(run: TestRun) -> None:
    TestRun.objects.filter(pk=run.pk).update(dispatched_at=Now())
    rows = list(_queued(run).values_list("pk", "position"))
    send(run, [pk for pk, _ in rows[:AT_ONCE]], after=max(0, len(rows) - AT_ONCE))
    if len(rows) > AT_ONCE:
        try:
            current_app.send_task(REST_TASK, (run.pk, rows[AT_ONCE - 1][1]))
        except OperationalError as error:
            logger.warning("dispatch.unsent", run_id=run.pk, error=str(error))


def send_rest(run_id: int, position: int) -> None:
    """Send what is queued behind *position* in a run: whoever started it did not wait for that.

    What went before keeps the workers busy: chunks are full from the first on.
    """
    run = TestRun.objects.select_related("environment").get(pk=run_id)
    send(run, list(_queued(run).filter(position__gt=position).values_list("pk", flat=True)), first=LARGEST)


def _queued(run: TestRun) -> QuerySet[Execution]:
    return Execution.objects.filter(run=run, state=State.QUEUED, parked_at=None).order_by("position")


def send_by_run(ids: Sequence[int], most: int | None = None) -> None:
    """Send queued executions of any runs, in the given order, at most *most* together."""
    by_run: dict[int, list[int]] = {}
    runs = dict(Execution.objects.filter(pk__in=ids).values_list("pk", "run_id"))
    for pk in ids:
        by_run.setdefault(runs[pk], []).append(pk)
    found = TestRun.objects.select_related("environment").in_bulk(by_run)
    for run_id, some in by_run.items():
        send(found[run_id], some, most)
