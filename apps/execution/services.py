"""Verbs of execution: start, cancel, rerun, and a person's verdict on a manual step."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.core.errors import Conflict, DomainError
from apps.core.states import State
from apps.environments.models import Environment
from apps.execution import control, dispatch, planning
from apps.runs import services as runs
from apps.runs.models import Artifact, Execution, StepResult, TestRun
from apps.systems.models import System

cancel_run = control.cancel_run
pause_run = control.pause_run
resume_run = control.resume_run

VERDICTS = (State.PASSED, State.FAILED, State.BLOCKED, State.SKIPPED)


@transaction.atomic
def start_run(
    *,
    system: System,
    environment: Environment,
    cases: Iterable[TestCase],
    started_by: User | None,
    trigger: str = TestRun.Trigger.PERSON,
    plan: TestPlan | None = None,
    title: str = "",
    rerun_of: TestRun | None = None,
    seed: int | None = None,
    priority: str | None = None,
    retries: int | None = None,
    time_limit: int | None = None,
) -> TestRun:
    """Plan a run of *cases* (each × the rows of its data set) in *environment* and send it to the workers.

    *priority*, *retries* (of cases that say nothing of it) and *time_limit* (seconds) are those of *plan* unless
    given. DomainError ``nothing-to-run`` when there is no case, ``other-system`` when something is not of *system*.
    """
    chosen = list(cases)
    if environment.system_id != system.pk or any(case.system_id != system.pk for case in chosen):
        raise DomainError("other-system", _("The environment and the cases must be of this system."), status=422)
    order = planning.plan(chosen, environment, retries=_or_of_plan(retries, plan.retries if plan else None) or 0)
    run = runs.create_run(
        environment=environment,
        title=title or _title(plan, chosen),
        planned=order.planned,
        started_by=started_by,
        trigger=trigger,
        plan=plan,
        rerun_of=rerun_of,
        seed=planning.fresh_seed() if seed is None else seed,
        expected_ms=order.expected_ms,
        priority=priority or planning.priority_of(plan, order.planned),
        time_limit=_or_of_plan(time_limit, plan.time_limit if plan else None),
    )
    dispatch.send_queued(run)
    return run


@transaction.atomic
def start_runs(*, environments: Sequence[Environment], **what: Any) -> list[TestRun]:
    """The same run in each of *environments*, by one click; all of them or none."""
    return [start_run(environment=environment, **what) for environment in environments]


def _or_of_plan(given: int | None, planned: int | None) -> int | None:
    return planned if given is None else given


def _title(plan: TestPlan | None, cases: Sequence[TestCase]) -> str:
    if plan is not None:
        return plan.name
    if len(cases) == 1:
        return cases[0].title
    return _("%(count)s cases") % {"count": len(cases)}


@transaction.atomic
def rerun(
    run: TestRun,
    *,
    by: User | None,
    which: str = "all",
    executions: Iterable[int] = (),
    trigger: str = TestRun.Trigger.RERUN,
    environment: Environment | None = None,
    fresh: bool = False,
) -> TestRun:
    """Run again at the cases' current revisions, with the original data rows and seeds.

    *which*: ``all``, ``failed`` (failed and blocked), or ``chosen`` with execution ids in *executions*. *fresh* plans
    the cases of these anew: with the rows that their data sets have now, and new seeds.
    """
    chosen = run.executions.select_related("case").order_by("position")
    if which == "failed":
        chosen = chosen.filter(state__in=[State.FAILED, State.BLOCKED])
    elif which == "chosen":
        chosen = chosen.filter(pk__in=list(executions))
    elif which != "all":
        raise DomainError("unknown-choice", _("Rerun “all”, “failed” or “chosen”."), status=422)
    same: dict[str, Any] = {
        "environment": environment or run.environment,
        "title": run.title,
        "started_by": by,
        "trigger": trigger,
        "plan": run.plan,
        "rerun_of": run,
        "priority": run.priority,
        "time_limit": run.time_limit,
    }
    if fresh:
        cases = {execution.case_id: execution.case for execution in chosen}
        return start_run(system=run.system, cases=cases.values(), **same)
    return _again(chosen, seed=run.seed, **same)


@transaction.atomic
def repeat(
    executions: Iterable[Execution], *, environment: Environment, title: str, by: User | None, trigger: str
) -> TestRun:
    """Run *executions* of any runs again in *environment*, with their data rows and seeds, at current revisions."""
    chosen = list(executions)
    return _again(
        chosen, environment=environment, title=title, started_by=by, trigger=trigger, seed=planning.fresh_seed()
    )


def _again(executions: Iterable[Execution], **fields: Any) -> TestRun:
    planned = [
        runs.Planned(
            case=e.case, row=e.row, row_label=e.row_label, seed=e.seed, assigned_to=e.assigned_to, retries=e.retries
        )
        for e in executions
    ]
    fields.setdefault("priority", planning.priority_of(None, planned))
    again = runs.create_run(planned=planned, **fields)
    dispatch.send_queued(again)
    return again


@transaction.atomic
def finish_manual_step(
    execution: Execution,
    *,
    step: int,
    verdict: str,
    note: str = "",
    by: User,
    attachments: Sequence["File[Any]"] = (),
) -> Execution:
    """Store a person's verdict on the manual step at index *step* and hand the execution back to the workers.

    Passed or skipped goes on with the next step; failed or blocked leaves only the teardown. Sent twice, the
    second does nothing. Conflict when the execution waits for another step, or for none.
    """
    if verdict not in VERDICTS:
        raise DomainError("unknown-verdict", _("The verdict must be passed, failed, blocked or skipped."), status=422)
    locked = (
        Execution.objects.select_for_update(of=("self",))
        .select_related("run__environment", "revision")
        .get(pk=execution.pk)
    )
    row = StepResult.objects.filter(execution=locked, attempt=locked.attempt, phase="steps", position=step).first()
    if row is not None and row.state == verdict and row.executed_by_id == by.pk:
        return locked
    if locked.state != State.WAITING or locked.resume_at != step or row is None:
        raise Conflict("not-waiting", _("This execution does not wait for a verdict on this step."))
    _judge_step(row, verdict, note, by)
    _attach(locked, row, attachments)
    _hand_back(locked, step, verdict, note)
    return locked


def _judge_step(row: StepResult, verdict: str, note: str, by: User) -> None:
    now = timezone.now()
    row.state, row.note, row.executed_by = verdict, note, by
    row.duration_ms = (now - row.started_at).total_seconds() * 1000 if row.started_at else None
    if verdict in (State.FAILED, State.BLOCKED):
        row.message = note.strip().splitlines()[0][:300] if note.strip() else _("Judged so by %(who)s.") % {"who": by}
    row.save(update_fields=["state", "note", "executed_by", "duration_ms", "message"])


def _attach(execution: Execution, row: StepResult, attachments: Sequence["File[Any]"]) -> None:
    for upload in attachments:
        artifact = Artifact(
            execution=execution,
            step=row,
            name=(upload.name or "attachment")[:200],
            content_type=getattr(upload, "content_type", "") or "application/octet-stream",
            size=upload.size,
        )
        artifact.file.save(artifact.name, upload, save=False)
        artifact.save()


def _hand_back(execution: Execution, step: int, verdict: str, note: str) -> None:
    steps = execution.revision.definition.get("steps", [])
    against = verdict in (State.FAILED, State.BLOCKED) and not steps[step].get("optional", False)
    Execution.objects.filter(pk=execution.pk).update(
        state=State.QUEUED,
        resume_at=len(steps) if against else step + 1,
        carried=verdict if against else execution.carried,
        message=note.strip()[:2000] if against else "",
        claim=F("claim") + 1,
    )
    runs.apply_to_run(execution.run_id, runs.RunDelta({State.WAITING: -1}), {execution.pk: State.QUEUED})
    transaction.on_commit(partial(dispatch.send, execution.run, [execution.pk]))
