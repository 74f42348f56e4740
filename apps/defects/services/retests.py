"""Verified by evidence, reopened by evidence.

* A retest repeats exactly what showed the defect: the cases of its failing executions, with their data rows.
* It *passed* when its run did. The defect becomes verified when, besides, everything that showed it was in that
  run: whether a person had marked it as fixed makes no difference, evidence does.
* It *failed* when something in it failed: the executions become evidence, and a defect that was fixed or verified
  is reopened. In the other open states it stays where it is; what was rejected stays rejected.
* It is *inconclusive* when the run was cancelled, blocked or skipped, or ran at a version without the fix.
* The same failure in any other run, planned after the defect was marked as fixed or seen to be gone, reopens it
  too, unless that run met a version without the fix. While the defect is open, such a failure is kept as
  evidence when it is news: another case, data row or environment.

All of it is decided under the defect's row lock and may be told twice without harm.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.errors import Conflict, DomainError
from apps.core.states import NOT_PASSED, State
from apps.defects import evidence
from apps.defects.evidence import Shown, shown_by
from apps.defects.models import Defect, Evidence, Retest
from apps.defects.timeline import Kind, locked, move, note
from apps.defects.transitions import Move, possible
from apps.environments.models import Environment
from apps.execution.services import repeat
from apps.runs.models import Execution, TestRun

WATCHED = (*Defect.UNSOLVED, Defect.State.VERIFIED)


@transaction.atomic
def retest(defect: Defect, *, by: User | None, environment: Environment | None = None) -> Retest:
    """Start a run of what showed the defect, where it was last seen or in *environment*.

    Conflict while another retest of the defect runs; DomainError when there is nothing to repeat.
    """
    held = locked(defect)
    if held.retests.filter(state=Retest.State.RUNNING).exists():
        raise Conflict("retest-running", _("A retest of %(key)s is running already.") % {"key": held.key})
    chosen = to_repeat(held)
    if not chosen:
        raise DomainError(
            "nothing-to-retest",
            _("No failing execution of a case that still exists is linked to %(key)s.") % {"key": held.key},
            status=422,
        )
    place = environment or chosen[0].run.environment
    if place.system_id != held.system_id:
        raise DomainError("other-system", _("The environment must be of this system."), status=422)
    title = _("Retest of %(key)s: %(title)s") % {"key": held.key, "title": held.title}
    run = repeat(chosen, environment=place, title=title, by=by, trigger=TestRun.Trigger.RETEST)
    started = Retest.objects.create(defect=held, run=run, requested_by=by)
    note(held, Kind.RETEST, by, run=run, data={"state": Retest.State.RUNNING, "executions": len(chosen)})
    return started


def to_repeat(defect: Defect) -> list[Execution]:
    """One failing execution for each case and data row that showed the defect, the newest first."""
    newest: dict[Shown, Execution] = {}
    for execution in evidence.failures_of(defect):
        if execution.case.status != execution.case.Status.ARCHIVED:
            newest.setdefault(shown_by(execution.case_id, execution.row), execution)
    return list(newest.values())


@transaction.atomic
def settle(run_id: int) -> None:
    """Judge the retest that *run_id* was, if it was one and has ended; told again, nothing happens."""
    known = Retest.objects.filter(run=run_id, state=Retest.State.RUNNING).select_related("defect").first()
    if known is None:
        return
    defect = locked(known.defect)
    ended = Retest.objects.select_related("run__environment").get(pk=known.pk)
    if ended.state != Retest.State.RUNNING or ended.run.is_open:
        return
    ended.state, why = _judged(defect, ended.run)
    ended.finished_at = timezone.now()
    ended.save(update_fields=["state", "finished_at"])
    if ended.state == Retest.State.PASSED:
        _passed(defect, ended.run)
    elif ended.state == Retest.State.FAILED:
        _failed(defect, ended.run)
    else:
        note(defect, Kind.RETEST, None, run=ended.run, data={"state": ended.state, "why": why})


def _judged(defect: Defect, run: TestRun) -> tuple[Retest.State, str]:
    if run.verdict not in (State.PASSED, State.FAILED):
        return Retest.State.INCONCLUSIVE, run.verdict
    if evidence.lacks_fix(defect, run):
        return Retest.State.INCONCLUSIVE, "without-fix"
    return (Retest.State.PASSED, "") if run.verdict == State.PASSED else (Retest.State.FAILED, "")


def _passed(defect: Defect, run: TestRun) -> None:
    passed = list(run.executions.filter(state=State.PASSED))
    evidence.keep(defect, passed, Evidence.Kind.PASS)
    missing = {shown_by(one.case_id, one.row) for one in to_repeat(defect)} - {
        shown_by(one.case_id, one.row) for one in passed
    }
    data = {"state": Retest.State.PASSED, "passed": len(passed), "missing": len(missing)}
    note(defect, Kind.RETEST, None, run=run, data=data)
    if not missing and Move.VERIFY in possible(defect.state):
        move(defect, Move.VERIFY, None, run=run.number, environment=run.environment.name)


def _failed(defect: Defect, run: TestRun) -> None:
    failing = list(run.executions.filter(state__in=NOT_PASSED)[: evidence.MOST])
    evidence.keep(defect, failing, Evidence.Kind.FAILURE)
    same = defect.failure_group_id in {one.failure_group_id for one in failing}
    data = {"state": Retest.State.FAILED, "failed": run.failed + run.blocked, "same_reason": same}
    note(defect, Kind.RETEST, None, run=run, data=data)
    if Move.FAIL_AGAIN in possible(defect.state):
        move(defect, Move.FAIL_AGAIN, None, run=run.number, environment=run.environment.name)


def note_failures(run_id: int, execution_ids: Sequence[int]) -> None:
    """Look for known defects among executions that have just failed; told again, nothing happens."""
    seen = (
        Defect.objects.filter(
            state__in=WATCHED,
            failure_group__executions__in=list(execution_ids),
            failure_group__executions__state__in=NOT_PASSED,
        )
        .exclude(retests__run=run_id)  # a retest is judged as a whole, when it has ended
        .order_by("pk")
        .distinct()
    )
    for defect in seen:
        _seen_again(defect, run_id, execution_ids)


@transaction.atomic
def _seen_again(found: Defect, run_id: int, execution_ids: Sequence[int]) -> None:
    defect = locked(found)
    run = TestRun.objects.select_related("environment").get(pk=run_id)
    failing = list(
        Execution.objects.filter(
            pk__in=execution_ids, run=run_id, failure_group=defect.failure_group_id, state__in=NOT_PASSED
        ).order_by("position")
    )
    if defect.state not in WATCHED:
        return
    if Move.FAIL_AGAIN in possible(defect.state):
        if run.created_at < _moved_at(defect) or evidence.lacks_fix(defect, run):
            return
        if fresh := evidence.keep(defect, failing[: evidence.MOST], Evidence.Kind.FAILURE):
            _note_failures(defect, run, fresh)
            move(defect, Move.FAIL_AGAIN, None, run=run.number, environment=run.environment.name)
    elif fresh := evidence.keep(defect, _news(defect, run, failing), Evidence.Kind.FAILURE):
        _note_failures(defect, run, fresh)


def _moved_at(defect: Defect) -> datetime:
    moved = defect.events.filter(kind=Kind.STATE).order_by("-pk").values_list("at", flat=True).first()
    return moved or defect.created_at


def _news(defect: Defect, run: TestRun, failing: Sequence[Execution]) -> list[Execution]:
    """Those of *failing* whose case and data row had not shown the defect in this environment yet."""
    kept = evidence.failures_of(defect)
    known = {shown_by(one.case_id, one.row) for one in kept if one.run.environment_id == run.environment_id}
    fresh = {shown_by(one.case_id, one.row): one for one in failing}
    room = max(evidence.MOST - len(kept), 0)
    return [one for shown, one in fresh.items() if shown not in known][:room]


def _note_failures(defect: Defect, run: TestRun, fresh: Sequence[Execution]) -> None:
    """One entry a run on the timeline, however many batches its results come in."""
    before = defect.events.filter(kind=Kind.FAILURE, run=run, actor=None).last()
    if before is None:
        note(defect, Kind.FAILURE, None, execution=fresh[0], run=run, data={"count": len(fresh)})
    else:
        before.data["count"] += len(fresh)
        before.save(update_fields=["data"])
