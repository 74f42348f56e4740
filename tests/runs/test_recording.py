from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection
from django.test import TestCase as DjangoTestCase

from apps.runs import histogram, services
from apps.runs.models import CaseRecord, DayCount, Execution, FailureGroup, LatencyDay, PointRecord, TestRun
from apps.runs.signals import run_finished
from apps.systems.models import IntegrationPoint
from tests.runs.conftest import result

pytestmark = pytest.mark.django_db
Take = Callable[[TestRun], list[Execution]]
MakeRun = Callable[..., TestRun]


def test_results_end_the_run_and_are_counted_once(make_run: MakeRun, take: Take, point: IntegrationPoint) -> None:
    run = make_run(3)
    first, second, third = take(run)

    services.record([result(first), result(second, "failed"), result(third, "blocked")])

    run.refresh_from_db()
    assert (run.passed, run.failed, run.blocked, run.done) == (1, 1, 1, 3)
    assert (run.phase, run.verdict) == ("finished", "failed")
    day = DayCount.objects.get()
    assert (day.passed, day.failed, day.blocked) == (1, 1, 1)


def test_a_result_delivered_twice_is_stored_once(make_run: MakeRun, take: Take) -> None:
    run = make_run(1)
    [execution] = take(run)

    assert services.record([result(execution)]) == 1
    assert services.record([result(execution, "failed")]) == 0

    run.refresh_from_db()
    assert (run.passed, run.failed) == (1, 0)
    assert execution.steps.count() == 1
    execution.refresh_from_db()
    assert len(execution.every_attempt()) == 1


def test_a_result_of_a_former_holder_is_dropped(make_run: MakeRun, take: Take) -> None:
    run = make_run(1)
    [execution] = take(run)
    stale = replace(result(execution, "failed"), claim=execution.claim - 1)

    assert services.record([stale]) == 0
    assert services.record([result(execution)]) == 1
    execution.refresh_from_db()
    assert execution.state == "passed"


@pytest.mark.django_db(transaction=True)
def test_what_is_counted_for_one_run_does_not_wait_for_another(make_run: MakeRun, take: Take) -> None:
    """Both go over the same cases: two batches that held one run each and waited for the other would never end."""
    one = make_run(2)
    other = make_run(cases=[execution.case for execution in one.executions.select_related("case")])
    results = [result(execution) for run in (one, other) for execution in take(run)]

    with closing(psycopg2.connect(**connection.get_connection_params())) as counting, counting.cursor() as cursor:
        cursor.execute("SELECT id FROM runs_testrun WHERE id = %s FOR UPDATE", [other.pk])
        with connection.cursor() as ours:
            ours.execute("SET lock_timeout = '300ms'")
        with pytest.raises(OperationalError):
            services.record(results)
        connection.close()

    assert dict(TestRun.objects.values_list("pk", "passed")) == {one.pk: 2, other.pk: 0}
    services.record(results)
    assert dict(TestRun.objects.values_list("pk", "passed")) == {one.pk: 2, other.pk: 2}


def test_failures_of_one_reason_make_one_group(make_run: MakeRun, take: Take, point: IntegrationPoint) -> None:
    run = make_run(3)
    first, second, third = take(run)

    services.record(
        [
            result(first, "failed", step_message="order 17 not found at 2026-01-02T10:00:00Z"),
            result(second, "failed", step_message="order 18 not found at 2026-01-03T11:30:00Z"),
            result(third, "failed", step_message="status is 500, expected 201"),
        ]
    )

    groups = FailureGroup.objects.order_by("-count")
    assert [group.count for group in groups] == [2, 1]
    assert groups[0].executions.count() == 2
    assert groups[0].point == point


def test_strips_and_latencies_grow_with_results(make_run: MakeRun, take: Take, point: IntegrationPoint) -> None:
    for state in ["passed", "failed", "passed"]:
        run = make_run(1)
        [execution] = take(run)
        Execution.objects.filter(pk=execution.pk).update(case=Execution.objects.order_by("pk")[0].case)
        services.record([result(execution, state)])

    assert PointRecord.objects.get().strip == "PFP"
    assert CaseRecord.objects.order_by("case_id")[0].state == "passed"
    latency = LatencyDay.objects.get(point=point)
    assert latency.count == 3
    assert latency.buckets[histogram.bucket(12.5)] == 3


def test_the_strip_keeps_the_last_twenty(make_run: MakeRun, take: Take, point: IntegrationPoint) -> None:
    run = make_run(25)
    services.record([result(execution) for execution in take(run)])

    assert PointRecord.objects.get().strip == "P" * 20


def test_the_end_of_a_run_is_told_after_the_commit(make_run: MakeRun, take: Take) -> None:
    heard: list[Any] = []

    def listen(run_id: int, **_: Any) -> None:
        heard.append(run_id)

    run_finished.connect(listen)
    try:
        run = make_run(1)
        with DjangoTestCase.captureOnCommitCallbacks(execute=True) as callbacks:
            services.record([result(execution) for execution in take(run)])
            assert heard == []
    finally:
        run_finished.disconnect(listen)

    assert callbacks
    assert heard == [run.pk]


def test_waiting_for_a_person_keeps_the_run_open(make_run: MakeRun, take: Take) -> None:
    run = make_run(2)
    first, second = take(run)

    services.record([result(first, "waiting", resume_at=0, resume_captured=b"x"), result(second)])

    run.refresh_from_db()
    first.refresh_from_db()
    assert (run.waiting, run.passed, run.is_open, run.state) == (1, 1, True, "waiting")
    assert (first.state, first.finished_at) == ("waiting", None)


def test_a_seam_stays_failed_until_the_case_that_failed_there_passes(
    make_run: MakeRun, take: Take, point: IntegrationPoint
) -> None:
    run = make_run(2)
    for execution in run.executions.all():
        execution.case.points.add(point)
    good, bad = take(run)

    services.record([result(bad, "failed")])
    services.record([result(good)])

    record = PointRecord.objects.get(point=point)
    assert (record.state, record.strip) == ("failed", "FP")
    again = make_run(1)
    [fixed] = take(again)
    Execution.objects.filter(pk=fixed.pk).update(case=bad.case)
    services.record([result(fixed)])
    record.refresh_from_db()
    assert (record.state, record.strip) == ("passed", "FPP")


def test_a_failure_that_is_optional_does_not_speak_against_its_seam(
    make_run: MakeRun, take: Take, point: IntegrationPoint
) -> None:
    [execution] = take(make_run(1))
    execution.case.points.add(point)
    passed = result(execution)
    late = replace(passed.steps[0], state="failed", optional=True, position=1, latency_ms=7.0)

    services.record([replace(passed, steps=[*passed.steps, late])])

    assert PointRecord.objects.get(point=point).state == "passed"
    assert LatencyDay.objects.get(point=point).count == 2


def test_a_group_whose_own_checks_decided_fails_at_its_own_seam(
    make_run: MakeRun, take: Take, point: IntegrationPoint
) -> None:
    [execution] = take(make_run(1))
    execution.case.points.add(point)
    failed = result(execution, "failed")
    inside = replace(failed.steps[0], path="1.1", optional=True, message="status should be 201, but it is 409")
    race = replace(failed.steps[0], kind="parallel", latency_ms=None, message="passed should be 1, but it is 0")

    services.record([replace(failed, steps=[replace(inside, point=""), race])])

    group = FailureGroup.objects.get()
    assert (group.point, group.kind, group.title) == (point, "parallel", "passed should be 1, but it is 0")
    assert PointRecord.objects.get(point=point).state == "failed"


def test_an_archived_case_no_longer_speaks_for_a_seam(make_run: MakeRun, take: Take, point: IntegrationPoint) -> None:
    run = make_run(2)
    for execution in run.executions.all():
        execution.case.points.add(point)
    good, bad = take(run)
    services.record([result(bad, "failed")])
    bad.case.status = "archived"
    bad.case.save()

    services.record([result(good)])

    assert PointRecord.objects.get(point=point).state == "passed"


def test_a_data_row_that_passes_later_does_not_hide_one_that_failed(
    make_run: MakeRun, take: Take, point: IntegrationPoint
) -> None:
    run = make_run(3)
    first, second, third = take(run)
    Execution.objects.filter(run=run).update(case=first.case)
    for execution in (first, second, third):
        execution.refresh_from_db()

    services.record([result(first)])
    services.record([result(second, "failed")])
    services.record([result(third)])

    record = CaseRecord.objects.get()
    assert (record.state, record.strip, record.last_execution) == ("failed", "PFP", second)
