"""What got slower, and where the time goes: seams against the period before, and workflows hop by hop."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Prefetch
from django.utils import formats
from django.utils.translation import gettext as _

from apps.environments.models import Environment
from apps.insights import metrics
from apps.insights.metrics import Latency
from apps.runs.models import LatencyDay
from apps.systems.models import IntegrationPoint, System, WorkflowPoint

PERIODS = (7, 30, 90)
SHOWN = 100  # seams in the table
TREND = (100, 20)  # viewBox of the small curve of p95 by day


@dataclass(frozen=True, slots=True)
class Row:
    """One seam over the period; *trend* are the points of a polyline in a box of ``TREND``."""

    point: IntegrationPoint
    latency: Latency
    trend: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop of a workflow: its p50 and p95, and where it stands (per cent) in a bar of all p50s."""

    point: IntegrationPoint
    p50: float | None
    p95: float | None
    start: float
    share: float
    is_longest: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A workflow's hops; *total* is the sum of their p50s in ms, *missing* the hops without a latency."""

    workflow: Any
    hops: list[Hop]
    total: float
    missing: int


def environment_asked(system: System, slug: str) -> tuple[list[Environment], Environment | None]:
    """The system's environments, and the one asked for: by default the first that has latencies."""
    all_places = list(system.environments.all())
    asked = next((one for one in all_places if one.slug == slug), None)
    if asked is None:
        measured = set(
            LatencyDay.objects.filter(environment__in=all_places).values_list("environment", flat=True).distinct()
        )
        asked = next((one for one in all_places if one.pk in measured), next(iter(all_places), None))
    return all_places, asked


def period_asked(asked: str) -> int:
    """Days of the period: 7, 30 or 90; 7 when something else was asked for."""
    return int(asked) if asked.isdecimal() and int(asked) in PERIODS else PERIODS[0]


def table(found: list[Latency], days: int) -> list[Row]:
    """Rows in the order of *found*."""
    points = metrics.points_by_id(one.point_id for one in found[:SHOWN])
    listed = days_of(days)
    return [Row(points[one.point_id], one, _trend(one, listed)) for one in found[:SHOWN]]


def days_of(days: int) -> list[date]:
    """The days of the period, today last."""
    last = metrics.today()
    return [last - timedelta(days=days - 1 - offset) for offset in range(days)]


def _trend(latency: Latency, days: list[date]) -> str:
    values = [latency.p95_by_day.get(day) for day in days]
    highest = max((value for value in values if value), default=0.0)
    if not highest or len(days) < 2:
        return ""
    width, height = TREND
    step = width / (len(days) - 1)
    return " ".join(
        f"{index * step:.1f},{height - 1 - value / highest * (height - 2):.1f}"
        for index, value in enumerate(values)
        if value is not None
    )


def chart(row: Row, days: int) -> dict[str, Any]:
    """p50, p95 and p99 of one seam by day, and the p95 of the period before, for ``core/charts.js``."""
    listed = days_of(days)
    p50, p95, p99 = metrics.percentiles_by_day(row.latency, listed, 0.50, 0.95, 0.99)
    series: list[dict[str, Any]] = [
        {"name": "p95", "tone": "accent", "values": _rounded(p95), "area": True},
        {"name": "p50", "tone": "running", "values": _rounded(p50)},
        {"name": "p99", "tone": "skipped", "values": _rounded(p99)},
    ]
    if row.latency.before is not None:
        before = [round(row.latency.before, 2)] * len(listed)
        series.append({"name": _("p95 before"), "tone": "queued", "values": before, "dashed": True})
    labels = [formats.date_format(day, "MONTH_DAY_FORMAT") for day in listed]
    return {"kind": "line", "unit": "ms", "labels": labels, "series": series}


def _rounded(values: list[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 2) for value in values]


def paths(system: System, found: list[Latency]) -> list[Path]:
    """Where the time of each workflow goes in the environment of *found*; two queries."""
    by_point = {one.point_id: one for one in found}
    hops = WorkflowPoint.objects.select_related("point__consumer", "point__provider").order_by("position")
    workflows = system.workflows.prefetch_related(Prefetch("hops", queryset=hops))
    return [_path(workflow, by_point) for workflow in workflows if workflow.hops.all()]


def _path(workflow: Any, by_point: dict[int, Latency]) -> Path:
    measured = [(hop.point, by_point.get(hop.point_id)) for hop in workflow.hops.all()]
    total = sum(latency.p50 for _, latency in measured if latency)
    longest = max((latency.p50 for _, latency in measured if latency), default=0.0)
    hops, start = [], 0.0
    for point, latency in measured:
        share = latency.p50 / total * 100 if latency and total else 0.0
        is_longest = bool(latency and latency.p50 == longest)
        hops.append(
            Hop(point, latency.p50 if latency else None, latency.p95 if latency else None, start, share, is_longest)
        )
        start += share
    return Path(workflow, hops, total, sum(latency is None for _, latency in measured))
