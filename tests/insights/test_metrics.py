from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.accounts.models import User
from apps.defects import services
from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.insights import latency_history, metrics
from apps.runs import histogram
from apps.runs.models import DayCount, LatencyDay
from apps.systems.models import IntegrationPoint, System

pytestmark = pytest.mark.django_db


@pytest.fixture
def staging(system: System) -> Environment:
    return Environment.objects.create(system=system, name="Staging", slug="staging")


def measured(point: IntegrationPoint, environment: Environment, ago: int, *values: float) -> None:
    LatencyDay.objects.create(
        point=point,
        environment=environment,
        day=metrics.today() - timedelta(days=ago),
        count=len(values),
        total_ms=sum(values),
        buckets=histogram.of(values),
    )


def test_results_by_day_sums_the_environments_and_leaves_no_day_out(
    environment: Environment, staging: Environment, system: System
) -> None:
    today = metrics.today()
    DayCount.objects.create(environment=environment, day=today, passed=3, failed=1)
    DayCount.objects.create(environment=staging, day=today, passed=2, blocked=1)
    DayCount.objects.create(environment=environment, day=today - timedelta(days=2), skipped=4)
    DayCount.objects.create(environment=environment, day=today - timedelta(days=30), passed=9)

    days = metrics.results_by_day(system, days=30)

    assert len(days) == 30
    assert days[-1] == metrics.DayResults(today, 5, 1, 1, 0)
    assert days[-2] == metrics.DayResults(today - timedelta(days=1), 0, 0, 0, 0)
    assert days[-3].skipped == 4
    assert sum(day.passed for day in days) == 5
    assert metrics.results_by_day(system, days=1, environment=staging)[0].passed == 2


def test_another_systems_results_are_not_counted(environment: Environment, outsider: User) -> None:
    other = System.objects.get(slug="other")
    DayCount.objects.create(environment=environment, day=metrics.today(), passed=3)

    assert not any(day.passed for day in metrics.results_by_day(other, days=7))


def test_percentiles_are_of_all_values_not_of_the_days(
    point: IntegrationPoint, environment: Environment, system: System
) -> None:
    measured(point, environment, 0, *[100.0] * 5)
    measured(point, environment, 1, *[10.0] * 95)

    [found] = metrics.latencies(system, days=7)

    assert found.count == 100
    assert found.p50 == pytest.approx(10, rel=0.032)
    assert found.p95 == pytest.approx(10, rel=0.032)  # a mean of the two days' p95 would say 55
    assert found.p99 == pytest.approx(100, rel=0.032)


def test_the_week_is_compared_with_the_week_before(
    point: IntegrationPoint, environment: Environment, system: System
) -> None:
    measured(point, environment, 6, *[150.0] * 20)
    measured(point, environment, 7, *[100.0] * 20)
    measured(point, environment, 14, *[999.0] * 20)

    [found] = metrics.latencies(system, days=7)

    assert found.p95 == pytest.approx(150, rel=0.032)
    assert found.before == pytest.approx(100, rel=0.032)
    assert found.change == pytest.approx(0.5, abs=0.1)
    assert found.is_slower


def test_too_few_values_are_not_compared(point: IntegrationPoint, environment: Environment, system: System) -> None:
    measured(point, environment, 0, *[150.0] * 20)
    measured(point, environment, 8, *[100.0] * 19)

    [found] = metrics.latencies(system, days=7)

    assert (found.before, found.change, found.is_slower) == (None, None, False)


def test_a_fraction_of_a_millisecond_is_not_slower(
    point: IntegrationPoint, environment: Environment, system: System
) -> None:
    measured(point, environment, 0, *[0.9] * 20)
    measured(point, environment, 8, *[0.5] * 20)

    [found] = metrics.latencies(system, days=7)

    assert found.change is not None
    assert not found.is_slower


def test_what_slowed_most_comes_first_then_what_is_slowest(
    point: IntegrationPoint, environment: Environment, staging: Environment, system: System
) -> None:
    third = Environment.objects.create(system=system, name="Third", slug="third")
    for place, before, now in ((environment, 100.0, 130.0), (staging, 10.0, 30.0), (third, 900.0, 900.0)):
        measured(point, place, 8, *[before] * 20)
        measured(point, place, 0, *[now] * 20)

    order = [found.environment_id for found in metrics.latencies(system, days=7)]

    assert order == [staging.pk, environment.pk, third.pk]


def test_days_without_latencies_have_no_percentile(
    point: IntegrationPoint, environment: Environment, system: System
) -> None:
    measured(point, environment, 1, 10.0)
    [found] = metrics.latencies(system, days=7, point=point)
    today: date = metrics.today()

    [p95] = metrics.percentiles_by_day(found, [today - timedelta(days=1), today], 0.95)

    assert p95 == [pytest.approx(10, rel=0.032), None]


def test_what_is_measured_today_counts_at_once_and_what_comes_late_for_yesterday_soon(
    point: IntegrationPoint, environment: Environment, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency_history, "KEPT", 300)
    measured(point, environment, 1, 10.0)
    assert metrics.latencies(system, days=7)[0].count == 1

    measured(point, environment, 0, 20.0)
    LatencyDay.objects.filter(day=metrics.today() - timedelta(days=1)).update(buckets=histogram.of([10.0] * 5))
    assert metrics.latencies(system, days=7)[0].count == 2

    cache.clear()  # as after latency_history.KEPT seconds
    [found] = metrics.latencies(system, days=7)
    assert found.count == 6
    assert found.p95_by_day[metrics.today()] == pytest.approx(20, rel=0.032)


def test_open_defects_by_severity_and_age(system: System, tester: User) -> None:
    ages = [(4, 0), (4, 3), (3, 10), (3, 40), (1, 0)]
    now = timezone.now()
    for severity, days in ages:
        defect = services.open_defect(None, system=system, by=tester, title="x", severity=severity)
        Defect.objects.filter(pk=defect.pk).update(created_at=now - timedelta(days=days, minutes=1))
    services.reject(services.open_defect(None, system=system, by=tester, title="y"), by=tester, reason="No")

    found = {row.name: row.counts for row in metrics.open_defects(system)}

    assert found == {"critical": (1, 1, 0, 0), "high": (0, 0, 1, 1), "medium": (0, 0, 0, 0), "low": (1, 0, 0, 0)}
    assert [row.total for row in metrics.open_defects(system)] == [2, 2, 0, 1]
