"""Verbs of execution: start, cancel, rerun, who does what, and a person's verdict on a manual step."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.access import testers_of
from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.catalog.services import unmet
from apps.core.errors import Conflict, DomainError
from apps.core.states import State
from apps.environments.models import Environment
from apps.environments.services import versions_deployed
from apps.execution import assigning, control, dispatch, planning, verdicts
from apps.runs import services as runs
from apps.runs.models import Execution, TestRun
from apps.systems.models import System

cancel_run = control.cancel_run
pause_run = control.pause_run
resume_run = control.resume_run
VERDICTS = verdicts.VERDICTS
Asked = verdicts.Asked
finish_manual_step = verdicts.finish_manual_step
finish_manual_steps = verdicts.finish_manual_steps
assign = assigning.assign
chosen = assigning.chosen
split = assigning.split


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
    any_versions: bool = False,
) -> TestRun:
    """Plan a run of *cases* (each × the rows of its data set) in *environment* and send it to the workers.

    *priority*, *retries* (of cases that say nothing of it) and *time_limit* (seconds) are those of *plan* unless
    given. DomainError ``nothing-to-run`` when there is no case, ``other-system`` when something is not of *system*;
    Conflict ``other-versions`` where *plan* is meant for others than are deployed, unless *any_versions* will do.
    """
    chosen = _own(system, environment, cases)
    _check_versions(None if any_versions else plan, environment)
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


def _own(system: System, environment: Environment, cases: Iterable[TestCase]) -> list[TestCase]:
    """The *cases*, once it is sure that they are of *system*, as the environment is."""
    chosen = list(cases)
    if environment.system_id != system.pk or any(case.system_id != system.pk for case in chosen):
        raise DomainError("other-system", _("The environment and the cases must be of this system."), status=422)
    return chosen


def _check_versions(plan: TestPlan | None, environment: Environment) -> None:
    if plan is None or not plan.versions:
        return
    if others := unmet(plan, versions_deployed(environment)):
        words = {"name": environment.name, "others": "; ".join(map(str, others))}
        text = _("“%(name)s” has other versions than this plan is meant for: %(others)s.") % words
        raise Conflict("other-versions", text)


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

    *which*: ``all``, ``failed`` (failed and blocked), or ``chosen`` with execution ids of this run in *executions*.
    *fresh* plans the cases of these anew: with the rows that their data sets have now, and new seeds. The versions of
    a plan are not asked for again.
    """
    chosen = run.executions.select_related("case").order_by("position")
    if which == "failed":
        chosen = chosen.filter(state__in=[State.FAILED, State.BLOCKED])
    elif which == "chosen":
        chosen = chosen.filter(pk__in=[one.pk for one in assigning.chosen(run, list(executions))])
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
        return start_run(system=run.system, cases=cases.values(), any_versions=True, **same)
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


def _again(executions: Iterable[Execution], *, environment: Environment, **fields: Any) -> TestRun:
    able = {person.pk: person for person in testers_of(environment.system.team_id)}  # others left the team since
    planned = [
        runs.Planned(
            case=e.case,
            row=e.row,
            row_label=e.row_label,
            seed=e.seed,
            assigned_to=able.get(e.assigned_to_id or 0),
            retries=e.retries,
        )
        for e in executions
    ]
    fields.setdefault("priority", planning.priority_of(None, planned))
    again = runs.create_run(environment=environment, planned=planned, **fields)
    dispatch.send_queued(again)
    return again
