"""Verbs on the record; the engine and the importers write through these."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.core import live
from apps.core.errors import DomainError
from apps.environments.models import Environment
from apps.environments.services import versions_deployed
from apps.runs import claiming, parking, recording
from apps.runs.models import Execution, TestRun
from apps.runs.rollups import RunDelta, apply_to_run, progress_of, tell_progress
from apps.systems.services import next_number

__all__ = [
    "PARKED",
    "Claimed",
    "Planned",
    "RunDelta",
    "apply_to_run",
    "cancel_open",
    "claim",
    "create_run",
    "give_back_expired",
    "park",
    "parked",
    "progress_of",
    "record",
    "still_waiting",
    "tell_progress",
]

Claimed = claiming.Claimed
claim = claiming.claim
give_back_expired = claiming.give_back_expired
cancel_open = claiming.cancel_open
record = recording.record
PARKED = parking.PARKED
park = parking.park
parked = parking.parked
still_waiting = parking.still_waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One execution to be: a case at its current revision, with the values of one data row."""

    case: TestCase
    row: dict[str, Any] = field(default_factory=dict)
    row_label: str = ""
    seed: int | None = None  # None: taken from the run's
    assigned_to: User | None = None


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
        total=len(planned),
        expected_ms=expected_ms,
    )
    Execution.objects.bulk_create(
        (_execution(run, position, one) for position, one in enumerate(planned, start=1)), batch_size=2000
    )
    transaction.on_commit(lambda: live.publish(f"system:{run.system_id}", "runs", progress_of(run)))
    return run


def _execution(run: TestRun, position: int, one: Planned) -> Execution:
    title = f"{one.case.title} · {one.row_label}" if one.row_label else one.case.title
    return Execution(
        run=run,
        position=position,
        case=one.case,
        revision=one.case.current,
        title=title[:300],
        row=one.row,
        row_label=one.row_label[:120],
        seed=(run.seed + position) if one.seed is None else one.seed,
        assigned_to=one.assigned_to,
    )
