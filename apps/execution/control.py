"""Holding and ending runs; public through ``apps.execution.services``."""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import audit
from apps.core.errors import Conflict
from apps.execution import dispatch, watch
from apps.runs import services as runs
from apps.runs.models import Execution, TestRun


def cancel_run(run: TestRun, *, by: User | None, reason: str = "") -> TestRun:
    """Cancel what has not begun and tell the workers to stop the rest. Conflict when the run has ended.

    Workers hear of it before what waits is ended, which takes a second where thousands do.
    """
    with transaction.atomic():
        locked = _open_run(run)
        now = Coalesce("cancel_requested_at", Now())
        TestRun.objects.filter(pk=run.pk).update(paused_at=None, cancel_reason=reason[:200], cancel_requested_at=now)
        _note(locked, by, "run.cancelled")
        transaction.on_commit(partial(watch.announce, run.pk))
    runs.end_waiting(run.pk)
    return TestRun.objects.get(pk=run.pk)


@transaction.atomic
def pause_run(run: TestRun, *, by: User | None) -> TestRun:
    """Hold back what has not begun; what runs ends. Paused already: as it is. Conflict when it ended or is ending."""
    locked = _open_run(run)
    if locked.cancel_requested_at is not None:
        raise Conflict("run-ending", _("The run is being cancelled."))
    if locked.paused_at is None:
        locked.paused_at = timezone.now()
        locked.save(update_fields=["paused_at"])
        _note(locked, by, "run.paused")
        transaction.on_commit(partial(watch.announce, run.pk))
        transaction.on_commit(partial(runs.tell_progress, locked))
    return locked


@transaction.atomic
def resume_run(run: TestRun, *, by: User | None) -> TestRun:
    """Go on with a paused run; one that is not paused stays as it is. Conflict when it has ended."""
    locked = _open_run(run)
    if locked.paused_at is not None:
        if locked.started_at is not None:  # its time limit counts from there
            pause = timezone.now() - max(locked.paused_at, locked.started_at)
            locked.paused_ms = F("paused_ms") + round(pause / timedelta(milliseconds=1))
        locked.paused_at = None
        locked.save(update_fields=["paused_at", "paused_ms"])
        locked.refresh_from_db()
        Execution.objects.filter(run=run, parked_at__isnull=False).update(parked_at=None)
        _note(locked, by, "run.resumed")
        dispatch.send_queued(locked)
        transaction.on_commit(partial(watch.announce, run.pk))
        transaction.on_commit(partial(runs.tell_progress, locked))
    return locked


def _open_run(run: TestRun) -> TestRun:
    runs_with_all = TestRun.objects.select_related("environment", "system")
    locked: TestRun = runs_with_all.select_for_update(of=("self",)).get(pk=run.pk)
    if not locked.is_open:
        raise Conflict("run-ended", _("The run has ended already."))
    return locked


def _note(run: TestRun, by: User | None, what: str) -> None:
    audit(run.system.team, by, what, f"{run.system.slug}/runs/{run.number}")
