"""The sweeper: whatever was lost with a process or a message comes back."""

from collections import defaultdict
from datetime import timedelta

import redis
import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.core.states import State
from apps.execution import dispatch
from apps.runs import services as runs
from apps.runs.models import Execution, TestRun

logger = structlog.get_logger(__name__)

STRANDED_AFTER = timedelta(seconds=30)


def sweep_once() -> int:
    """Give back expired leases and send them again; send runs whose messages were lost. Returns how many executions."""
    given_back = runs.give_back_expired()
    by_run: dict[int, list[int]] = defaultdict(list)
    for pk, run_id in Execution.objects.filter(pk__in=given_back).values_list("pk", "run_id"):
        by_run[run_id].append(pk)
    for run in TestRun.objects.filter(pk__in=by_run).select_related("environment"):
        logger.warning("leases.expired", run_id=run.pk, executions=len(by_run[run.pk]))
        dispatch.send(run, by_run[run.pk])
    for run in stranded():
        logger.warning("run.stranded", run_id=run.pk)
        dispatch.send_queued(run)
    return len(given_back)


def stranded() -> list[TestRun]:
    """Open runs with queued work that no worker holds and no message carries: lost with a process or with Redis."""
    inside = Execution.objects.filter(run=OuterRef("pk"))
    quiet = Q(dispatched_at__isnull=True) | Q(dispatched_at__lt=timezone.now() - STRANDED_AFTER)
    found = (
        TestRun.objects.filter(quiet, phase__in=[TestRun.Phase.QUEUED, TestRun.Phase.RUNNING])
        .filter(created_at__lt=timezone.now() - STRANDED_AFTER)
        .filter(Exists(inside.filter(state=State.QUEUED)) & ~Exists(inside.filter(state=State.RUNNING)))
        .select_related("environment")[:50]
    )
    client = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    try:
        return [run for run in found if not client.llen(dispatch.queue_of(run))]
    finally:
        client.close()
