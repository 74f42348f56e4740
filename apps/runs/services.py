"""Verbs on the record; the engine and the importers write through these."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.catalog.models import RunPriority, TestCase, TestPlan
from apps.catalog.services import revisions_for
from apps.core import live
from apps.core.errors import DomainError
from apps.core.states import State
from apps.environments.models import Environment
from apps.environments.services import versions_deployed
from apps.runs import claiming, parking, recording
from apps.runs.copying import cell, copy, json_cell, text_cell
from apps.runs.models import TestRun
from apps.runs.news import of_changes
from apps.runs.rollups import RunDelta, apply_to_run, progress_of, tell_progress
from apps.systems.services import next_number

__all__ = [
    "MAX_ATTEMPTS",
    "Claimed",
    "Planned",
    "RunDelta",
    "apply_to_run",
    "claim",
    "create_run",
    "end_waiting",
    "give_back_expired",
    "of_changes",
    "park",
    "progress_of",
    "record",
    "renew",
    "still_waiting",
    "tell_progress",
    "wake",
]

MAX_ATTEMPTS = claiming.MAX_ATTEMPTS
Claimed = claiming.Claimed
claim = claiming.claim
renew = claiming.renew
give_back_expired = claiming.give_back_expired
end_waiting = claiming.end_waiting
record = recording.record
park = parking.park
wake = parking.wake
still_waiting = parking.still_waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One execution to be: a case at its current revision, with the values of one data row."""

    case: TestCase
    row: dict[str, Any] = field(default_factory=dict)
    row_label: str = ""
    seed: int | None = None  # None: taken from the run's
    assigned_to: User | None = None
    retries: int = 0  # of a case that says nothing of it


_EXECUTION = (
    *("run_id", "case_id", "revision_id", "needs", "exclusive"),  # the same for all rows of a case
    *("position", "title", "row_label", "row", "seed", "assigned_to_id", "retries"),
    *("state", "attempt", "claim", "worker", "message", "trace_id", "resume_at", "carried"),
)
_NEW = (State.QUEUED.value, "0", "0", "", "", "", "0", "")  # cells from “state” on


@transaction.atomic
def create_run(
    *,
    environment: Environment,
    title: str,
    planned: Sequence[Planned],
    started_by: User | None,
    trigger: str,
    plan: TestPlan | None = None,
    rerun_of: TestRun | None = None,
    seed: int,
    expected_ms: int | None = None,
    priority: str = RunPriority.NORMAL,
    time_limit: int | None = None,
) -> TestRun:
    """A queued run with all its executions, in the given order. Nothing to run is a DomainError."""
    if not planned:
        raise DomainError("nothing-to-run", _("There is no active case to run here."), status=422)
    run = TestRun.objects.create(
        system_id=environment.system_id,
        number=next_number(environment.system_id, "run"),
        title=title[:200],
        plan=plan,
        environment=environment,
        trigger=trigger,
        rerun_of=rerun_of,
        started_by=started_by,
        seed=seed,
        versions=versions_deployed(environment),
        shared=revisions_for(environment.system_id, {one.case.pk for one in planned}),
        total=len(planned),
        expected_ms=expected_ms,
        priority=priority,
        time_limit=time_limit,
    )
    copy("runs_execution", _EXECUTION, _executions(run, planned))
    transaction.on_commit(lambda: live.publish(f"system:{run.system_id}", "runs", progress_of(run)))
    return run


def _executions(run: TestRun, planned: Sequence[Planned]) -> Iterator[tuple[str, ...]]:
    """Cells of the executions of a run; those of one case follow each other, and what is the same is written once."""
    case: TestCase | None = None
    same: tuple[str, ...] = ()
    title = ""
    for position, one in enumerate(planned, start=1):
        if one.case is not case:
            case = one.case
            same, title = _same(run, case), text_cell(case.title[:300])
        label = text_cell(one.row_label[:120])
        yield (
            *same,
            str(position),
            text_cell(f"{case.title} · {one.row_label}"[:300]) if label else title,
            label,
            json_cell(one.row),
            str((run.seed + position) if one.seed is None else one.seed),
            cell(one.assigned_to.pk if one.assigned_to else None),
            str(one.retries if case.retries is None else case.retries),
            *_NEW,
        )


def _same(run: TestRun, case: TestCase) -> tuple[str, ...]:
    """Cells that all executions of *case* share."""
    exclusive = "{" + ",".join(case.exclusive) + "}"  # short names: nothing in them that an array would read otherwise
    return (str(run.pk), str(case.pk), str(case.current_id), "+".join(case.needs), exclusive)
