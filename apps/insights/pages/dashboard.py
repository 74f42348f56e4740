"""What the dashboard shows, in a number of queries that does not grow with the data."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _

from apps.core import live
from apps.core.states import NOT_PASSED
from apps.insights import metrics
from apps.insights.activity import recent
from apps.insights.first_steps import first_steps
from apps.insights.pages import verdicts
from apps.insights.readiness import readiness
from apps.insights.waiting import waiting_for
from apps.runs.models import PointRecord, TestRun
from apps.systems.models import System

DAYS = 30
WEEK = 7
SEAMS = 6
RUNS = 6
OPEN_PHASES = (TestRun.Phase.QUEUED, TestRun.Phase.RUNNING)


def whole(system: System) -> dict[str, Any]:
    """Everything but what is fetched again while the page is open."""
    steps = first_steps(system)
    return {
        "steps": [] if all(step.is_done for step in steps) else steps,
        "chart": day_chart(system),
        "slow": slow(system),
        "failing": failing_points(system),
        "failing_more": max(_failing(system).count() - SEAMS, 0),
        "open_defects": metrics.open_defects(system),
        "ages": [_("≤ 1 day"), _("≤ 7"), _("≤ 30"), _("older")],
    }


def now(system: System, user: Any, asked: Mapping[str, str]) -> dict[str, Any]:
    """Verdicts, runs in progress and what waits for *user*; *asked*: ``environments=all`` and its ``page``."""
    judged = readiness([system])[system.pk]
    wants_all = asked.get("environments") == "all"
    open_runs = TestRun.objects.filter(system=system, phase__in=OPEN_PHASES)
    running = list(open_runs.select_related("environment", "started_by").order_by("-pk")[: RUNS + 1])
    return {
        "verdicts": verdicts.all_of(system, judged, asked.get("page"))
        if wants_all
        else verdicts.most_pressing(system, judged),
        "running": running[:RUNS],
        "running_more": len(running) > RUNS,
        "waiting": waiting_for(user, system),
        "activity": recent(system),
    }


def stream(system: System) -> str:
    """Live address of the system's news from this moment on."""
    return f"{reverse('live:system', args=[system.slug])}?after={live.position(f'system:{system.pk}')}"


def day_chart(system: System) -> dict[str, Any] | None:
    """Results of the last 30 days for ``core/charts.js``; None when there is none."""
    days = metrics.results_by_day(system, days=DAYS)
    names = {"passed": _("Passed"), "failed": _("Failed"), "blocked": _("Blocked"), "skipped": _("Skipped")}
    series = [
        {"name": label, "tone": name, "values": [getattr(day, name) for day in days]} for name, label in names.items()
    ]
    if not any(any(one["values"]) for one in series):
        return None
    labels = [formats.date_format(day.day, "MONTH_DAY_FORMAT") for day in days]
    return {"kind": "stacked", "unit": "", "labels": labels, "series": series}


def slow(system: System) -> list[dict[str, Any]]:
    """Points with their p95 of this week against the week before, the most slowed first."""
    ranked = metrics.latencies(system, days=WEEK)[:SEAMS]
    points = metrics.points_by_id(latency.point_id for latency in ranked)
    places = {environment.pk: environment for environment in system.environments.all()}
    return [
        {"latency": one, "point": points[one.point_id], "environment": places.get(one.environment_id)} for one in ranked
    ]


def _failing(system: System) -> Any:
    return PointRecord.objects.filter(point__system=system, state__in=NOT_PASSED)


def failing_points(system: System) -> list[PointRecord]:
    """Integration points whose last result in some environment was no pass, the most critical first."""
    records = _failing(system).select_related("point__consumer", "point__provider", "environment")
    return list(records.order_by("-point__criticality", "-last_at")[:SEAMS])
