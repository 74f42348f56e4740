"""From cases and data sets to the executions of a run, most telling first."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from apps.catalog.models import RunPriority, TestCase, TestPlan
from apps.core.states import LETTERS, NOT_PASSED
from apps.environments.models import DataRow, Environment
from apps.runs.models import CaseRecord
from apps.runs.services import Planned
from apps.systems.models import Workflow

UNKNOWN_MS = 1_000.0  # expected duration of a case that never ran
OVERHEAD_MS = 1.0  # of an execution, besides its steps
RECENT = 5  # results of a case that say how likely it is to fail again
MANY = 500  # cases from which on records are read by environment
FEW = 5  # executions of a run that nobody makes wait behind a large one
_AGAINST = {LETTERS[state] for state in NOT_PASSED}


@dataclass(frozen=True, slots=True)
class Plan:
    """Executions in their order, how long all of them are expected to take, and how many of them nobody has timed.

    *unmeasured* are automated ones whose case has never ended here: each is counted as ``UNKNOWN_MS``.
    """

    planned: list[Planned]
    expected_ms: int
    unmeasured: int = 0


class Seen(NamedTuple):
    """How a case last did."""

    state: str
    strip: str
    duration_ms: float | None


def fresh_seed() -> int:
    """A seed for a run; stored, so that a rerun can repeat its random values."""
    return secrets.randbits(48)


def plan(cases: Iterable[TestCase], environment: Environment, *, retries: int = 0) -> Plan:
    """One execution for each case, or for each row of its data set, by risk.

    First what failed last, then what failed lately, what a critical workflow or a case of high priority stands for,
    and of equals what takes longest: the run ends sooner when that does not come last.
    """
    chosen = [case for case in cases if case.current_id is not None]
    records = _records(chosen, environment)
    rows = _rows(chosen)
    workflows = {case.workflow_id for case in chosen if case.workflow_id}
    critical = dict(Workflow.objects.filter(pk__in=workflows).values_list("pk", "criticality"))

    def urgency(case: TestCase) -> tuple[bool, int, int, int, float, int]:
        record = records.get(case.pk)
        failed = record is not None and record.state in NOT_PASSED
        lately = sum(letter in _AGAINST for letter in record.strip[-RECENT:]) if record else 0
        weight = critical.get(case.workflow_id or 0, 0)
        return (not failed, -lately, -weight, -case.priority, -_expected(record), case.number)

    chosen.sort(key=urgency)
    planned = [one for case in chosen for one in _executions(case, rows.get(case.dataset_id or 0), retries)]
    unmeasured = sum(
        one.case.mode == TestCase.Mode.AUTOMATED and not _is_measured(records.get(one.case.pk)) for one in planned
    )
    return Plan(planned, _duration(planned, records, environment), unmeasured)


def _duration(planned: Sequence[Planned], records: Mapping[int, Seen], environment: Environment) -> int:
    """Milliseconds: all side by side as far as the environment allows, but each resource by one at a time."""
    spent, longest, alone = 0.0, 0.0, defaultdict[str, float](float)
    for one in planned:
        if one.case.mode != TestCase.Mode.AUTOMATED:
            continue
        expected = _expected(records.get(one.case.pk))
        spent, longest = spent + expected, max(longest, expected)
        for name in one.case.exclusive:
            alone[name] += expected
    side_by_side = spent / max(1, environment.max_parallel) + len(planned) * OVERHEAD_MS
    return round(max(side_by_side, longest, *alone.values())) if planned else 0


def priority_of(plan: TestPlan | None, planned: Sequence[Planned]) -> str:
    """What the plan says; without one, a few executions that somebody waits for go first."""
    if plan is not None:
        return plan.priority
    return RunPriority.URGENT if len(planned) <= FEW else RunPriority.NORMAL


def _records(cases: Sequence[TestCase], environment: Environment) -> dict[int, Seen]:
    """By case; of many cases all that there are, as naming ten thousand would cost more than reading them."""
    found = CaseRecord.objects.filter(environment=environment)
    if len(cases) <= MANY:
        found = found.filter(case__in=[case.pk for case in cases])
    rows = found.values_list("case_id", "state", "strip", "duration_ms")
    return {pk: Seen(state, strip, duration_ms) for pk, state, strip, duration_ms in rows}


def _is_measured(record: Seen | None) -> bool:
    return record is not None and record.duration_ms is not None


def _expected(record: Seen | None) -> float:
    return record.duration_ms if record and record.duration_ms is not None else UNKNOWN_MS


def _rows(cases: Sequence[TestCase]) -> dict[int, list[DataRow]]:
    grouped: dict[int, list[DataRow]] = defaultdict(list)
    datasets = {case.dataset_id for case in cases if case.dataset_id}
    for row in DataRow.objects.filter(dataset__in=datasets).order_by("dataset_id", "position"):
        grouped[row.dataset_id].append(row)
    return grouped


def _executions(case: TestCase, rows: list[DataRow] | None, retries: int) -> list[Planned]:
    if not rows:
        return [Planned(case=case, retries=retries)]
    return [Planned(case=case, row=row.values, row_label=str(row), retries=retries) for row in rows]
