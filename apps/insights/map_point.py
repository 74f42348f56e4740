"""Everything about one integration point, for the side panel of the map and for its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import formats
from django.utils.translation import gettext as _

from apps.catalog.models import TestCase
from apps.core.states import State
from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.insights import metrics
from apps.runs.models import CaseRecord, PointRecord, StepResult
from apps.systems.models import IntegrationPoint, Workflow

CHART_DAYS = 30
RESULTS = 20
CASES = 50
LISTED = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """A point in one environment: its record and latency, None where there are none."""

    environment: Environment
    record: PointRecord | None
    latency: metrics.Latency | None


@dataclass(frozen=True, slots=True)
class Covering:
    """A case that covers the point, and how it last did in the chosen environment."""

    case: TestCase
    record: CaseRecord | None


def standings(point: IntegrationPoint, environments: Sequence[Environment], *, days: int) -> list[Standing]:
    """The point in each environment; two queries."""
    records = {record.environment_id: record for record in point.records.select_related("last_execution")}
    measured = metrics.latencies(point.system, days=days, point=point)
    speeds = {latency.environment_id: latency for latency in measured}
    return [Standing(one, records.get(one.pk), speeds.get(one.pk)) for one in environments]


def covering(point: IntegrationPoint, environment: Environment | None, *, most: int = CASES) -> list[Covering]:
    """Active cases that cover the point, the most important first."""
    found = point.cases.filter(status=TestCase.Status.ACTIVE).select_related("system")
    cases = list(found.order_by("-priority", "number")[:most])
    known = CaseRecord.objects.filter(case__in=cases, environment=environment) if environment else []
    records = {record.case_id: record for record in known}
    return [Covering(case, records.get(case.pk)) for case in cases]


def unsolved(point: IntegrationPoint, *, most: int = LISTED) -> list[Defect]:
    """Unsolved defects of the point, the worst first."""
    found = Defect.objects.filter(point=point, state__in=Defect.UNSOLVED).select_related("owner", "system")
    return list(found.order_by("-severity", "-pk")[:most])


def workflows(point: IntegrationPoint, *, most: int = LISTED) -> list[Workflow]:
    """Workflows that go through the point, the most critical first."""
    return list(Workflow.objects.filter(points=point).select_related("system").distinct()[:most])


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Step results, newest first; *older* is the id to go on from, None at the end."""

    rows: list[StepResult]
    older: int | None


def results(point: IntegrationPoint, environment: Environment | None, before: int | None) -> ResultPage:
    """The last results of steps that exercised the point; a page costs the same however many there are."""
    found: QuerySet[StepResult] = StepResult.objects.filter(point=point).exclude(state=State.SKIPPED)
    if environment is not None:
        found = found.filter(execution__run__environment=environment)
    if before is not None:
        found = found.filter(pk__lt=before)
    chosen = found.select_related("execution__run__environment", "execution__run__system", "execution__case")
    light = chosen.defer("request", "response", "checks", "captured", "timings", "execution__row")
    rows = list(light.order_by("-pk")[: RESULTS + 1])
    return ResultPage(rows[:RESULTS], rows[RESULTS - 1].pk if len(rows) > RESULTS else None)


def latency_chart(point: IntegrationPoint, environment: Environment) -> dict[str, Any] | None:
    """p50 and p95 of each of the last 30 days, for ``core/charts.js``; None when nothing was measured."""
    found = metrics.latencies(point.system, days=CHART_DAYS, environment=environment, point=point)
    if not found:
        return None
    last = metrics.today()
    days: list[date] = [last - timedelta(days=back) for back in range(CHART_DAYS - 1, -1, -1)]
    p50, p95 = metrics.percentiles_by_day(found[0], days, 0.50, 0.95)
    series = [
        {"name": "p50", "tone": "running", "values": _rounded(p50)},
        {"name": "p95", "tone": "accent", "values": _rounded(p95)},
    ]
    labels = [formats.date_format(day, "j M") for day in days]
    return {"kind": "line", "unit": _("ms"), "labels": labels, "series": series}


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 1) for value in values]
