"""From cases and data sets to the executions of a run, most telling first."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.catalog.models import TestCase
from apps.core.states import NOT_PASSED
from apps.environments.models import DataRow, Environment
from apps.runs.models import CaseRecord
from apps.runs.services import Planned

UNKNOWN_MS = 1_000.0  # expected duration of a case that never ran
PARALLEL = 16  # executions that usually go on at once, for the estimate


@dataclass(frozen=True, slots=True)
class Plan:
    """Executions in their order, and how long all of them are expected to take."""

    planned: list[Planned]
    expected_ms: int


def fresh_seed() -> int:
    """A seed for a run; stored, so that a rerun can repeat its random values."""
    return secrets.randbits(48)


def plan(cases: Iterable[TestCase], environment: Environment) -> Plan:
    """One execution for each case, or for each row of its data set; what failed last and matters most comes first."""
    chosen = [case for case in cases if case.current_id is not None]
    records = {record.case_id: record for record in CaseRecord.objects.filter(environment=environment, case__in=chosen)}
    rows = _rows(chosen)

    def urgency(case: TestCase) -> tuple[bool, int, float, int]:
        record = records.get(case.pk)
        failed = record is not None and record.state in NOT_PASSED
        return (not failed, -case.priority, -_expected(record), case.number)

    chosen.sort(key=urgency)
    planned = [one for case in chosen for one in _executions(case, rows.get(case.dataset_id or 0))]
    spent = sum(_expected(records.get(one.case.pk)) for one in planned if one.case.mode == TestCase.Mode.AUTOMATED)
    longest = max((_expected(records.get(case.pk)) for case in chosen), default=0.0)
    return Plan(planned, round(max(spent / PARALLEL, longest)))


def _expected(record: CaseRecord | None) -> float:
    return record.duration_ms if record and record.duration_ms is not None else UNKNOWN_MS


def _rows(cases: Sequence[TestCase]) -> dict[int, list[DataRow]]:
    grouped: dict[int, list[DataRow]] = defaultdict(list)
    datasets = {case.dataset_id for case in cases if case.dataset_id}
    for row in DataRow.objects.filter(dataset__in=datasets).order_by("dataset_id", "position"):
        grouped[row.dataset_id].append(row)
    return grouped


def _executions(case: TestCase, rows: list[DataRow] | None) -> list[Planned]:
    if not rows:
        return [Planned(case=case)]
    return [Planned(case=case, row=row.values, row_label=str(row)) for row in rows]
