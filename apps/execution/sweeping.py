"""The sweeper: whatever was lost with a process or a message comes back, and runs keep to their time limit.

All by the database's clock: the clock of the worker that sweeps may be wrong.
"""

from datetime import timedelta

import redis
import structlog
from django.conf import settings
from django.db import connection
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.core.errors import Conflict
from apps.core.states import State
from apps.environments.models import Environment
from apps.execution import control, dispatch, room
from apps.execution.models import FORGOTTEN_AFTER, SILENT_AFTER, Share, Worker
from apps.execution.queues import base_of, queue_of, variant
from apps.execution.serving import served
from apps.runs import services as runs
from apps.runs.models import Execution, TestRun

logger = structlog.get_logger(__name__)

SPACE = 71_204  # of our advisory lock
STRANDED_AFTER = timedelta(seconds=30)
PAUSED_AFTER = 30  # seconds; every other wait inside a sweep is shorter (integhub.patience)
CANCELLED_AFTER = timedelta(seconds=5)  # who cancels ends what waits by then
LOST_AFTER = timedelta(seconds=10)  # beyond silence: after an outage of the database all were silent for a while


def sweep_if_nobody_does() -> None:
    """Sweep, unless another worker's main process is at it; the lock goes with the connection.

    PostgreSQL ends a session that holds it and asks nothing: of a worker that was paused, or whose machine was, in the
    middle of a sweep. Nobody would sweep any more.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [SPACE])
        if not cursor.fetchone()[0]:
            return
        cursor.execute("SELECT set_config('idle_session_timeout', %s, false)", [f"{PAUSED_AFTER}s"])
    try:
        sweep_once()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, 0), set_config('idle_session_timeout', '0', false)", [SPACE])


def sweep_once() -> int:
    """Everything that a sweep does. Returns how many executions came back from lost workers."""
    end_leases_of_lost_workers()
    given_back = runs.give_back_expired()
    if given_back:
        logger.warning("leases.expired", executions=len(given_back))
        _send_again(given_back)
    for run in stranded():
        logger.warning("run.stranded", run_id=run.pk)
        dispatch.send_queued(run)
    wake_parked()
    end_overdue()
    end_cancelled()
    return len(given_back)


def _send_again(given_back: list[int]) -> None:
    """Send what lost its worker. What has only one try left goes by itself: what ends a process three times must not
    take with it what happened to be sent along."""
    lost = F("attempt") - F("failures")
    last_try = Execution.objects.filter(pk__in=given_back).annotate(lost=lost).filter(lost=runs.MAX_ATTEMPTS - 1)
    alone = set(last_try.values_list("pk", flat=True))
    dispatch.send_by_run([pk for pk in given_back if pk not in alone])
    dispatch.send_by_run([pk for pk in given_back if pk in alone], most=1)


def end_leases_of_lost_workers() -> int:
    """Executions of a worker that fell silent need not wait for their lease. Returns how many."""
    Worker.objects.filter(seen_at__lt=Now() - FORGOTTEN_AFTER).delete()
    Share.objects.filter(until__lt=Now()).delete()
    silent = Worker.objects.filter(seen_at__lt=Now() - SILENT_AFTER)
    silent.filter(lost_at=None).update(lost_at=Now())
    lost = silent.filter(lost_at__lt=Now() - LOST_AFTER).values("name")
    held = Execution.objects.filter(state=State.RUNNING, worker__in=lost, lease_until__gt=Now())
    return held.update(lease_until=Now())


def stranded() -> list[TestRun]:
    """Open runs with queued work that no message carries: lost with a process or with Redis."""
    waiting = Execution.objects.filter(run=OuterRef("pk"), state=State.QUEUED, parked_at=None)
    quiet = Q(dispatched_at__isnull=True) | Q(dispatched_at__lt=Now() - STRANDED_AFTER)
    found = (
        TestRun.objects.filter(quiet, phase__in=[TestRun.Phase.QUEUED, TestRun.Phase.RUNNING], paused_at=None)
        .filter(Exists(waiting), created_at__lt=Now() - STRANDED_AFTER)
        .select_related("environment")[:50]
    )
    return [run for run in found if not any(_lengths([queue_of(run, needs) for needs in _needs(run)]))]


def _needs(run: TestRun) -> list[str]:
    waiting = Execution.objects.filter(run=run, state=State.QUEUED, parked_at=None)
    return list(waiting.order_by().values_list("needs", flat=True).distinct())


def _lengths(queues: list[str]) -> list[int]:
    client = redis.Redis.from_url(settings.CELERY_BROKER_URL, **settings.REDIS_PATIENCE)
    try:
        return [int(client.llen(queue)) for queue in queues]
    finally:
        client.close()


def wake_parked() -> None:
    """Send what waits for room, where its message or who should have sent it was lost.

    What no worker can execute any more gives up its place in the line, or it would hold up others for ever.
    """
    parked = Execution.objects.filter(parked_at__isnull=False, state=State.QUEUED)
    environments = Environment.objects.filter(pk__in=parked.values("run__environment").distinct())
    for environment in environments:
        inside, listened = parked.filter(run__environment=environment), served([environment])
        for needs in inside.order_by().values_list("needs", flat=True).distinct():
            if variant(base_of(environment), needs) not in listened:
                inside.filter(needs=needs).update(parked_at=None)
        if not any(_lengths([base_of(environment)])):
            room.wake(environment.pk)


def end_cancelled() -> None:
    """End what waits in runs that were cancelled by a process which did not live to do that."""
    asked = TestRun.objects.filter(
        phase__in=[TestRun.Phase.QUEUED, TestRun.Phase.RUNNING], cancel_requested_at__lt=Now() - CANCELLED_AFTER
    )
    waiting = Execution.objects.filter(run=OuterRef("pk"), state__in=[State.QUEUED, State.WAITING])
    for run_id in asked.filter(Exists(waiting)).values_list("pk", flat=True):
        runs.end_waiting(run_id)


def end_overdue() -> None:
    """Cancel runs that have used up their time; pauses do not count."""
    limit = F("time_limit") * timedelta(seconds=1) + F("paused_ms") * timedelta(milliseconds=1)
    spent = ExpressionWrapper(Now() - F("started_at"), output_field=DurationField())
    open_runs = TestRun.objects.filter(phase=TestRun.Phase.RUNNING, paused_at=None, cancel_requested_at=None)
    overdue = open_runs.filter(time_limit__isnull=False).annotate(spent=spent)
    for run in overdue.filter(spent__gt=ExpressionWrapper(limit, output_field=DurationField())):
        try:
            control.cancel_run(run, by=None, reason=_("It reached its time limit."))
        except Conflict:
            continue  # it has ended meanwhile
