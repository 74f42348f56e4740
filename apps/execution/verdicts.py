"""A person's verdict on manual steps; public through ``apps.execution.services``."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.errors import Conflict, DomainError
from apps.core.states import State
from apps.execution import dispatch
from apps.runs import services as runs
from apps.runs.models import Execution, ExecutionEvent, StepResult, TestRun

VERDICTS = (State.PASSED, State.FAILED, State.BLOCKED, State.SKIPPED)
SEEN = (State.PASSED, State.FAILED)  # verdicts that say that somebody looked at this very step
AT_ONCE = 200  # executions that take one verdict together


@dataclass(frozen=True, slots=True)
class Asked:
    """The manual step that a person saw: index from 0; *attempt* None takes the present one."""

    execution: int
    step: int
    attempt: int | None = None


@transaction.atomic
def finish_manual_step(
    execution: Execution,
    *,
    step: int,
    verdict: str,
    note: str = "",
    by: User,
    attempt: int | None = None,
    seconds: int | None = None,
) -> Execution:
    """Store a person's verdict on the manual step at index *step* and hand the execution back to the workers.

    Passed or skipped goes on with the next step; failed or blocked leaves only the teardown. Sent twice, the
    second does nothing. *seconds* is how long the person worked on it, if that is known. Conflict when the execution
    waits for another step, in another attempt, or for none.
    """
    _check_verdict(verdict)
    [locked] = _locked([execution.pk]).values()
    row = _step_results([locked], [Asked(locked.pk, step)]).get(locked.pk)
    if attempt is not None and attempt != locked.attempt:
        raise Conflict("other-attempt", _("This was asked in an earlier attempt; the execution has begun again."))
    if row is not None and _is_done(row, verdict, by):
        return locked
    if row is None or not _waits(locked, step):
        raise Conflict("not-waiting", _("This execution does not wait for a verdict on this step."))
    _store([(locked, row)], verdict, note, by, seconds)
    return locked


@transaction.atomic
def finish_manual_steps(asked: Sequence[Asked], *, run: TestRun, verdict: str, note: str = "", by: User) -> list[int]:
    """The same verdict and note on several executions of *run*, on all of them or on none; returns whose it became.

    A Conflict names each that does not wait for the step that was seen, or that somebody else has been asked to do.
    Passed and failed say what was seen, so they need the same step of the same case; blocked and skipped do not.
    """
    _check_verdict(verdict)
    if not 0 < len(asked) <= AT_ONCE:
        limit = _("Choose between one and %(most)s executions.") % {"most": AT_ONCE}
        raise DomainError("executions-count", limit, status=422)
    found = _locked([one.execution for one in asked], run=run)
    rows = _step_results(found.values(), asked)
    open_now = [one for one in asked if not (one.execution in rows and _is_done(rows[one.execution], verdict, by))]
    problems = [(one, why) for one in open_now if (why := _objection(one, found.get(one.execution), by))]
    if problems:
        _refuse(problems, found)
    if verdict in SEEN and len({(found[one.execution].revision_id, one.step) for one in open_now}) > 1:
        text = _("These wait for different steps: passed and failed are given for one step of one case at a time.")
        raise Conflict("different-steps", text)
    _store([(found[one.execution], rows[one.execution]) for one in open_now], verdict, note, by)
    return [one.execution for one in open_now]


def _check_verdict(verdict: str) -> None:
    if verdict not in VERDICTS:
        raise DomainError("unknown-verdict", _("The verdict must be passed, failed, blocked or skipped."), status=422)


def _locked(ids: Sequence[int], **scope: Any) -> dict[int, Execution]:
    rows = Execution.objects.select_for_update(of=("self",)).filter(pk__in=ids, **scope).order_by("pk")
    return {row.pk: row for row in rows.select_related("run__environment", "revision", "assigned_to")}


def _step_results(executions: Any, asked: Sequence[Asked]) -> dict[int, StepResult]:
    """The result of the step that was asked for, in the present attempt, by execution."""
    attempts = {one.pk: one.attempt for one in executions}
    places = {(one.execution, attempts.get(one.execution), one.step) for one in asked}
    rows = StepResult.objects.filter(
        execution__in=attempts, phase="steps", path="", position__in={one.step for one in asked}
    )
    return {row.execution_id: row for row in rows if (row.execution_id, row.attempt, row.position) in places}


def _is_done(row: StepResult, verdict: str, by: User) -> bool:
    """Whether this very verdict of this person is stored: it was sent twice."""
    return row.state == verdict and row.executed_by_id == by.pk


def _waits(execution: Execution, step: int) -> bool:
    return execution.state == State.WAITING and execution.resume_at == step


def _objection(one: Asked, execution: Execution | None, by: User) -> str:
    """Why *by* cannot judge it now; empty when nothing stands against it."""
    if execution is None:
        return _("is not an execution of this run")
    if not _waits(execution, one.step) or one.attempt not in (None, execution.attempt):
        return _("does not wait for this step any more")
    if execution.assigned_to_id not in (None, by.pk):
        return _("is in the hands of %(who)s") % {"who": execution.assigned_to}
    return ""


def _refuse(problems: Sequence[tuple[Asked, str]], found: dict[int, Execution]) -> None:
    named = [
        (found[one.execution].title if one.execution in found else f"{one.execution}", why) for one, why in problems
    ]
    errors = [{"field": f"executions.{one.execution}", "detail": why} for one, why in problems]
    text = "; ".join(f"“{title}” {why}" for title, why in named[:3])
    more = _(" and %(n)s more") % {"n": len(named) - 3} if len(named) > 3 else ""
    error = Conflict("bulk-refused", _("No verdict was stored: %(reasons)s%(more)s.") % {"reasons": text, "more": more})
    error.errors = errors
    raise error


def _store(
    judged: Sequence[tuple[Execution, StepResult]], verdict: str, note: str, by: User, seconds: int | None = None
) -> None:
    by_run: dict[int, list[Execution]] = defaultdict(list)
    for execution, row in judged:
        _judge_step(row, verdict, note, by)
        row.duration_ms = _worked(row, seconds)
        _hand_back(execution, row.position, verdict, note)
        by_run[execution.run_id].append(execution)
    steps, executions = [row for _e, row in judged], [execution for execution, _row in judged]
    StepResult.objects.bulk_update(steps, ["state", "note", "executed_by", "duration_ms", "message"])
    Execution.objects.bulk_update(executions, ["state", "resume_at", "carried", "message", "claim"])
    ExecutionEvent.objects.bulk_create(_event(execution, row, by) for execution, row in judged)
    for run_id, some in sorted(by_run.items()):
        ids = [one.pk for one in some]
        runs.apply_to_run(run_id, runs.RunDelta({State.WAITING: -len(ids)}), dict.fromkeys(ids, State.QUEUED))
        transaction.on_commit(partial(dispatch.send, some[0].run, ids))


def _judge_step(row: StepResult, verdict: str, note: str, by: User) -> None:
    row.state, row.note, row.executed_by = verdict, note, by
    if verdict in (State.FAILED, State.BLOCKED):
        row.message = note.strip().splitlines()[0][:300] if note.strip() else _("Judged so by %(who)s.") % {"who": by}


def _worked(row: StepResult, seconds: int | None) -> float | None:
    """Milliseconds that a person worked on the step: never longer than it has waited; nothing else may be known."""
    waited = (timezone.now() - row.started_at).total_seconds() * 1000 if row.started_at else None
    return waited if seconds is None or waited is None else min(seconds * 1000.0, waited)


def _hand_back(execution: Execution, step: int, verdict: str, note: str) -> None:
    steps = execution.revision.definition.get("steps", [])
    against = verdict in (State.FAILED, State.BLOCKED) and not steps[step].get("optional", False)
    execution.state = State.QUEUED
    execution.resume_at = len(steps) if against else step + 1
    execution.carried = verdict if against else execution.carried
    execution.message = note.strip()[:2000] if against else ""
    execution.claim = F("claim") + 1


def _event(execution: Execution, row: StepResult, by: User) -> ExecutionEvent:
    return ExecutionEvent(
        execution=execution,
        kind=ExecutionEvent.Kind.VERDICT,
        actor=by,
        attempt=row.attempt,
        position=row.position,
        step=row.name,
        state=row.state,
        note=row.note,
        duration_ms=row.duration_ms,
    )
