"""A run beside an earlier one: what fails newly, what was fixed, what still fails.

Executions belong together when they are of the same case and the same data row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.states import NOT_PASSED, State
from apps.runs.models import Execution, TestRun

OFFERED = 20
SHOWN = 10


@dataclass(frozen=True)
class Change:
    """Executions of this run that changed in the same way."""

    name: str
    label: Any
    state: str
    executions: list[Execution]
    count: int

    @property
    def rest(self) -> int:
        return self.count - len(self.executions)


def earlier_runs(run: TestRun) -> QuerySet[TestRun]:
    """Earlier runs with which *run* can be compared, newest first: same plan (or title), same environment."""
    same: QuerySet[TestRun] = TestRun.objects.filter(
        system=run.system_id, environment=run.environment_id, pk__lt=run.pk
    )
    same = same.filter(plan=run.plan_id) if run.plan_id else same.filter(plan__isnull=True, title=run.title)
    return same.order_by("-pk")[:OFFERED]


def compare(run: TestRun, other: TestRun) -> list[Change]:
    """What differs from *other*, most urgent first; groups without executions are left out."""
    failing = Execution.objects.filter(run=run).failed()
    changes = [
        _change("newly", _("Newly failing"), State.FAILED, _beside(failing, other, [State.PASSED])),
        _change("added", _("Failing, not run then"), State.FAILED, failing.exclude(Exists(_judged(other)))),
        _change("still", _("Still failing"), State.FAILED, _beside(failing, other, NOT_PASSED)),
        _change(
            "fixed",
            _("Fixed"),
            State.PASSED,
            _beside(Execution.objects.filter(run=run, state=State.PASSED), other, NOT_PASSED),
        ),
    ]
    return [change for change in changes if change.count]


def _judged(other: TestRun) -> QuerySet[Execution]:
    """The counterpart in *other*, where it came to a result: skipped, cancelled or still waiting says nothing."""
    ended = [State.PASSED, *NOT_PASSED]
    return Execution.objects.filter(run=other, case=OuterRef("case"), row_label=OuterRef("row_label"), state__in=ended)


def _beside(executions: QuerySet[Execution], other: TestRun, states: Sequence[str]) -> QuerySet[Execution]:
    """Those whose counterpart in *other* was in one of *states*; one join, which the database can hash."""
    return executions.filter(
        case__executions__run=other, case__executions__row_label=F("row_label"), case__executions__state__in=states
    )


def _change(name: str, label: Any, state: str, found: QuerySet[Execution]) -> Change:
    rows = list(found.select_related("case").defer("row").order_by("position")[: SHOWN + 1])
    count = found.count() if len(rows) > SHOWN else len(rows)
    return Change(name, label, state, rows[:SHOWN], count)
