"""One metric, one definition: every number of the dashboard, the performance page and the API comes from here.

Days are UTC days, as in the rollups. Percentiles come from merged histograms (``apps.runs.histogram``), never
from averages of percentiles, and are within 3.2 %.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Min, Sum, Value, When
from django.utils import timezone

from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.insights.latency_history import Period, periods
from apps.runs import histogram
from apps.runs.models import DayCount, LatencyDay
from apps.systems.models import IntegrationPoint, System

RESULTS = ("passed", "failed", "blocked", "skipped")
FEWEST = 20  # latencies on each side without which two periods are not compared: below, a p95 is the maximum
NOTABLE, NOTABLE_MS = 0.10, 1.0  # by what share, and by how many ms at least, a p95 must have risen to be slower
AGES = (1, 7, 30)  # days: opened today, this week, this month, longer ago


def today() -> date:
    """The present UTC day."""
    return datetime.now(tz=UTC).date()


@dataclass(frozen=True, slots=True)
class DayResults:
    """Final results of one day."""

    day: date
    passed: int
    failed: int
    blocked: int
    skipped: int


def results_by_day(system: System, *, days: int, environment: Environment | None = None) -> list[DayResults]:
    """Final results of each of the last *days* days, today last, in all environments or in one; one query."""
    first = today() - timedelta(days=days - 1)
    counted = DayCount.objects.filter(environment__system=system, day__gte=first)
    if environment is not None:
        counted = counted.filter(environment=environment)
    rows = counted.order_by().values("day").annotate(**{f"n_{name}": Sum(name) for name in RESULTS})
    by_day: dict[date, Any] = {row["day"]: row for row in rows}
    listed = [first + timedelta(days=offset) for offset in range(days)]
    return [DayResults(day, *(by_day.get(day, {}).get(f"n_{name}", 0) for name in RESULTS)) for day in listed]


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency (ms) of a point in an environment over a period; *before* is the p95 of the period before it."""

    point_id: int
    environment_id: int
    count: int
    p50: float
    p95: float
    p99: float
    before: float | None
    p95_by_day: Mapping[date, float]

    @property
    def change(self) -> float | None:
        """By what share the p95 has risen since the period before (0.32 = 32 % slower); None: not comparable."""
        return (self.p95 - self.before) / self.before if self.before else None

    @property
    def is_slower(self) -> bool:
        """Whether the p95 has risen notably."""
        return self.change is not None and self.change >= NOTABLE and self.p95 - (self.before or 0) >= NOTABLE_MS


def latencies(
    system: System, *, days: int, environment: Environment | None = None, point: IntegrationPoint | None = None
) -> list[Latency]:
    """Latency of each point and environment, or of those named, in the last *days* days against the *days* before.

    Ranked: what became notably slower first, the most first; then the slowest. Two queries at most.
    """
    last = today()
    measured = periods(
        system,
        environment,
        point,
        before=last - timedelta(days=2 * days - 1),
        first=last - timedelta(days=days - 1),
        last=last,
    )
    return sorted((_latency(key, period) for key, period in measured.items()), key=_rank)


def _latency(key: tuple[int, int], period: Period) -> Latency:
    comparable = min(sum(period.now), sum(period.before)) >= FEWEST
    return Latency(
        point_id=key[0],
        environment_id=key[1],
        count=sum(period.now),
        p50=histogram.percentile(period.now, 0.50) or 0.0,
        p95=histogram.percentile(period.now, 0.95) or 0.0,
        p99=histogram.percentile(period.now, 0.99) or 0.0,
        before=histogram.percentile(period.before, 0.95) if comparable else None,
        p95_by_day=period.p95,
    )


def _rank(latency: Latency) -> tuple[bool, float]:
    if latency.is_slower:
        return (False, -(latency.change or 0.0))
    return (True, -latency.p95)


def percentiles_by_day(latency: Latency, days: Sequence[date], *quantiles: float) -> list[list[float | None]]:
    """For each quantile its value (ms) at the point of *latency*, in its environment, on each of *days*.

    None on days without latencies; one query.
    """
    measured = LatencyDay.objects.filter(point=latency.point_id, environment=latency.environment_id, day__in=days)
    by_day = dict(measured.values_list("day", "buckets"))
    return [[histogram.percentile(by_day[day], q) if day in by_day else None for day in days] for q in quantiles]


@dataclass(frozen=True, slots=True)
class SeverityAges:
    """Unsolved defects of one severity by age: opened within 1 day, 7 days, 30 days, and longer ago."""

    severity: int
    counts: tuple[int, ...]
    oldest: datetime | None

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def label(self) -> str:
        """Word of the severity."""
        return str(Defect.Severity(self.severity).label)

    @property
    def name(self) -> str:
        """Name of the severity in addresses."""
        return Defect.Severity(self.severity).name.lower()


def open_defects(system: System, now: datetime | None = None) -> list[SeverityAges]:
    """Unsolved defects by severity, the worst first, and age since they were opened; one query."""
    moment = now or timezone.now()
    age = Case(
        *(When(created_at__gte=moment - timedelta(days=days), then=Value(index)) for index, days in enumerate(AGES)),
        default=Value(len(AGES)),
        output_field=IntegerField(),
    )
    rows = (
        Defect.objects.filter(system=system, state__in=Defect.UNSOLVED)
        .order_by()
        .annotate(age=age)
        .values("severity", "age")
        .annotate(number=Count("pk"), oldest=Min("created_at"))
    )
    by_severity: dict[int, dict[int, Any]] = defaultdict(dict)
    for row in rows:
        by_severity[row["severity"]][row["age"]] = row
    return [_ages(severity, by_severity[severity]) for severity in sorted(Defect.Severity.values, reverse=True)]


def _ages(severity: int, rows: dict[int, Any]) -> SeverityAges:
    counts = tuple(rows[index]["number"] if index in rows else 0 for index in range(len(AGES) + 1))
    return SeverityAges(severity, counts, min((row["oldest"] for row in rows.values()), default=None))


def points_by_id(ids: Iterable[int]) -> dict[int, IntegrationPoint]:
    """Integration points with their components."""
    return IntegrationPoint.objects.select_related("consumer", "provider").in_bulk(list(ids))
