"""Sending queued executions to workers in chunks, to the queue of their environment.

One message for each execution costs more than executing it (kombu's MULTI/EXEC for each delivery), so executions
travel in chunks; the first chunks are small, so that the first results come at once.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from celery import current_app
from django.db import transaction
from django.utils import timezone

from apps.core.states import State
from apps.runs.models import Execution, TestRun

CHUNK_TASK = "execution.chunk"
FIRST, LARGEST = 4, 50
SHARED_QUEUE = "execution"  # for environments that name no queue of their own


def chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    """Ids in growing chunks: 4, 4, 8, 8, 16, 16, … 50."""
    start, size, again = 0, FIRST, False
    while start < len(ids):
        yield list(ids[start : start + size])
        start += size
        size = min(size * 2, LARGEST) if again else size
        again = not again


def send(run: TestRun, ids: Sequence[int]) -> None:
    """Hand *ids* (queued executions of *run*) to the workers of its environment. Call after the commit."""
    queue = queue_of(run)
    with current_app.producer_or_acquire() as producer:
        for chunk in chunks(ids):
            current_app.send_task(CHUNK_TASK, (run.pk, chunk), queue=queue, producer=producer)


def queue_of(run: TestRun) -> str:
    """Celery queue that the run's workers read."""
    return run.environment.queue or SHARED_QUEUE


def send_queued(run: TestRun) -> None:
    """Send all that is queued in *run*, once the present transaction has been committed."""
    transaction.on_commit(partial(_send_queued, run))


def _send_queued(run: TestRun) -> None:
    TestRun.objects.filter(pk=run.pk).update(dispatched_at=timezone.now())
    ids = Execution.objects.filter(run=run, state=State.QUEUED).order_by("position").values_list("pk", flat=True)
    send(run, list(ids))
