"""Latency histograms of the days that are over, merged once and kept for a while.

Reading them is most of the work of a page of latencies, and they hardly change any more: what is recorded later for
a day that is over (a run over midnight, an import) is seen after at most ``KEPT`` seconds. Today is always read anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.core.cache import cache
from django.db.models import QuerySet

from apps.environments.models import Environment
from apps.runs import histogram
from apps.runs.models import LatencyDay
from apps.systems.models import IntegrationPoint, System

KEPT = 300  # seconds
Key = tuple[int, int]  # a point and an environment


@dataclass(slots=True)
class Period:
    """Merged histogram of the days of a period, of the period before it, and the p95 (ms) of each day."""

    now: list[int] = field(default_factory=histogram.empty)
    before: list[int] = field(default_factory=histogram.empty)
    p95: dict[date, float] = field(default_factory=dict)


def periods(
    system: System,
    environment: Environment | None,
    point: IntegrationPoint | None,
    *,
    before: date,
    first: date,
    last: date,
) -> dict[Key, Period]:
    """What was measured from *first* to *last* (today), and from *before* until *first*, by point and environment."""
    measured = LatencyDay.objects.filter(point__system=system)
    if environment is not None:
        measured = measured.filter(environment=environment)
    if point is not None:  # one point is read quickly
        return _with_results(_read(measured.filter(point=point, day__gte=before, day__lte=last), first))
    name = f"latency:{system.pk}:{environment.pk if environment else 'all'}:{before}:{first}:{last}"
    found: dict[Key, Period] | None = cache.get(name)
    if found is None:
        found = _read(measured.filter(day__gte=before, day__lt=last), first)
        cache.set(name, found, KEPT)
    for key, today in _read(measured.filter(day=last), first).items():
        period = found.setdefault(key, Period())
        period.now = histogram.merge([period.now, today.now])
        period.p95 |= today.p95
    return _with_results(found)


def _read(measured: QuerySet[LatencyDay], first: date) -> dict[Key, Period]:
    days: dict[Key, list[tuple[date, Sequence[int]]]] = defaultdict(list)
    rows = measured.order_by("day").values_list("point", "environment", "day", "buckets")
    for point, environment, day, buckets in rows.iterator(chunk_size=2_000):
        days[point, environment].append((day, buckets))
    return {key: _period(found, first) for key, found in days.items()}


def _with_results(periods_found: dict[Key, Period]) -> dict[Key, Period]:
    return {key: period for key, period in periods_found.items() if any(period.now)}


def _period(days: Iterable[tuple[date, Sequence[int]]], first: date) -> Period:
    now = [(day, buckets) for day, buckets in days if day >= first]
    return Period(
        now=histogram.merge(buckets for _, buckets in now),
        before=histogram.merge(buckets for day, buckets in days if day < first),
        p95={day: histogram.percentile(buckets, 0.95) or 0.0 for day, buckets in now},
    )
