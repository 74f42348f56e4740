"""Celery tasks of defects; they may be delivered twice without harm."""

from celery import shared_task

from apps.core import ticks
from apps.defects import services
from apps.defects.models import Retest
from apps.runs.models import TestRun

SETTLE_AGAIN = 30.0  # seconds; beat ticks every sixty


@shared_task(name="defects.settle_ended", ignore_result=True)
def settle_ended() -> int:
    """Judge retests whose run has ended without the news reaching us: a process died in between."""
    if not ticks.due("settle-ended", SETTLE_AGAIN):
        return 0
    ended = Retest.objects.filter(
        state=Retest.State.RUNNING, run__phase__in=[TestRun.Phase.FINISHED, TestRun.Phase.CANCELLED]
    )
    run_ids = list(ended.values_list("run", flat=True)[:100])
    for run_id in run_ids:
        services.settle(run_id)
    return len(run_ids)
