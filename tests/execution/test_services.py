from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.core.errors import Conflict, DomainError
from apps.environments.models import DataRow, Dataset, Environment
from apps.execution import dispatch, services
from apps.runs import services as runs
from apps.runs.models import CaseRecord, Execution, StepResult, TestRun
from apps.systems.models import System
from tests.runs.conftest import result

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., TestCase]
MANUAL: dict[str, Any] = {
    "title": "A person looks",
    "steps": [
        {"name": "Look", "kind": "manual", "with": {"instructions": "Look."}},
        {"name": "Then ask", "kind": "http", "with": {"url": "http://127.0.0.1:1/"}},
    ],
}


def start(system: System, environment: Environment, cases: list[TestCase], by: User, **extra: Any) -> Any:
    return services.start_run(system=system, environment=environment, cases=cases, started_by=by, **extra)


def waiting_execution(environment: Environment, make_case: MakeCase, tester: User) -> Execution:
    case = make_case("A person looks", MANUAL)
    run = start(environment.system, environment, [case], tester)
    [execution] = run.executions.all()
    runs.claim([execution.pk], "w", timedelta(seconds=60))
    execution.refresh_from_db()
    runs.record([result(execution, "waiting", resume_at=0, resume_captured=b"secret")])
    StepResult.objects.filter(execution=execution).update(state="waiting", kind="manual", name="Look")
    execution.refresh_from_db()
    return execution


def test_a_case_runs_once_for_each_row_of_its_data_set(
    system: System, environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    orders = Dataset.objects.create(system=system, name="Orders", slug="orders", columns=["sku"])
    for position in range(5):
        DataRow.objects.create(dataset=orders, position=position, values={"sku": f"S{position}"}, label=f"S{position}")
    case = make_case("An order", dataset=orders)

    run = start(system, environment, [case], tester)

    assert run.total == 5
    assert [e.row["sku"] for e in run.executions.all()] == ["S0", "S1", "S2", "S3", "S4"]
    assert len({e.seed for e in run.executions.all()}) == 5


def test_what_failed_last_runs_first(
    system: System, environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    cases = [make_case(f"Case {n}") for n in range(3)]
    CaseRecord.objects.create(case=cases[2], environment=environment, state="failed", last_at="2026-01-01T00:00Z")

    run = start(system, environment, cases, tester)

    assert run.executions.order_by("position")[0].case == cases[2]


def test_work_is_sent_after_the_commit_to_the_queue_of_the_environment(
    system: System, environment: Environment, make_case: MakeCase, tester: User, sent: Any, commits: Any
) -> None:
    environment.queue = "env.local"
    environment.save()
    with commits():
        run = start(system, environment, [make_case()], tester)
        assert sent == []

    assert sent == [("env.local+urgent", [run.executions.get().pk])]


def test_nothing_to_run_is_refused_and_leaves_nothing(
    system: System, environment: Environment, tester: User, sent: Any
) -> None:
    with pytest.raises(DomainError) as refusal:
        start(system, environment, [], tester)

    assert refusal.value.code == "nothing-to-run"
    assert system.runs.count() == 0


def test_cases_of_another_system_are_refused(
    system: System, make_case: MakeCase, tester: User, outsider: User, sent: Any
) -> None:
    other = System.objects.get(slug="other")
    foreign = Environment.objects.create(system=other, name="Theirs", slug="theirs")

    with pytest.raises(DomainError, match="must be of this system"):
        start(system, foreign, [make_case()], tester)


def test_rerun_of_what_failed_repeats_rows_and_seeds(
    system: System, environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    run = start(system, environment, [make_case("A"), make_case("B")], tester)
    runs.claim(list(run.executions.values_list("pk", flat=True)), "w", timedelta(seconds=60))
    good, bad = run.executions.order_by("position")
    runs.record([result(good), result(bad, "failed")])

    again = services.rerun(run, by=tester, which="failed")

    [execution] = again.executions.all()
    assert (execution.case_id, execution.seed, again.rerun_of) == (bad.case_id, bad.seed, run)


def test_cancelling_an_ended_run_is_a_conflict(
    system: System, environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    run = start(system, environment, [make_case()], tester)
    services.cancel_run(run, by=tester)

    with pytest.raises(Conflict):
        services.cancel_run(run, by=tester)


def test_a_passed_manual_step_hands_the_case_back_to_the_workers(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, commits: Any
) -> None:
    execution = waiting_execution(environment, make_case, tester)
    with commits():
        services.finish_manual_step(execution, step=0, verdict="passed", note="Fine.", by=tester)

    execution.refresh_from_db()
    assert (execution.state, execution.resume_at, execution.run.waiting) == ("queued", 1, 0)
    assert sent[-1][1] == [execution.pk]
    step = execution.steps.get()
    assert (step.state, step.note, step.executed_by) == ("passed", "Fine.", tester)


@pytest.mark.parametrize(("seconds", "expected"), [(90, 90_000), (0, 0), (7_200, 3_600_000), (None, 3_600_000)])
def test_a_manual_step_took_as_long_as_the_person_worked_but_no_longer_than_it_waited(
    environment: Environment,
    make_case: MakeCase,
    tester: User,
    sent: Any,
    seconds: int | None,
    expected: int,
) -> None:
    execution = waiting_execution(environment, make_case, tester)
    execution.steps.update(started_at=timezone.now() - timedelta(hours=1))

    services.finish_manual_step(execution, step=0, verdict="passed", by=tester, seconds=seconds)

    assert execution.steps.get().duration_ms == pytest.approx(expected, abs=60_000 if expected > 90_000 else 0)


def test_a_verdict_sent_twice_counts_once(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, commits: Any
) -> None:
    execution = waiting_execution(environment, make_case, tester)
    with commits():
        services.finish_manual_step(execution, step=0, verdict="passed", by=tester)
        services.finish_manual_step(execution, step=0, verdict="passed", by=tester)

    assert len([ids for _, ids in sent if ids == [execution.pk]]) == 1


def test_a_failed_manual_step_fails_the_case_whatever_teardown_does(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    execution = waiting_execution(environment, make_case, tester)
    services.finish_manual_step(execution, step=0, verdict="failed", note="The total is wrong.", by=tester)

    execution.refresh_from_db()
    assert (execution.resume_at, execution.carried, execution.message) == (2, "failed", "The total is wrong.")


def test_a_verdict_on_a_step_that_does_not_wait_is_a_conflict(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    execution = waiting_execution(environment, make_case, tester)

    with pytest.raises(Conflict):
        services.finish_manual_step(execution, step=1, verdict="passed", by=tester)


def test_chunks_begin_small_and_hold_everything_once() -> None:
    sizes = [len(chunk) for chunk in dispatch.chunks(range(1000), largest=200)]

    assert sizes[:6] == [4, 4, 16, 16, 64, 64]
    assert max(sizes) == 200
    assert sum(sizes) == 1000


def test_chunks_halve_towards_the_end_so_that_workers_end_together() -> None:
    rest = [list(chunk) for chunk in dispatch.chunks(range(418, 1000), 250, first=250)]

    assert [len(chunk) for chunk in rest] == [250, 166, 83, 64, 19]
    assert [pk for chunk in rest for pk in chunk] == list(range(418, 1000))
    assert [len(chunk) for chunk in dispatch.chunks(range(418), 250, after=582)][-2:] == [64, 250]


@pytest.mark.parametrize(
    ("total", "expected_ms", "size"),
    [(10_000, 9_000, 250), (1_000, 10_000, 100), (100, 600_000, 4), (5, None, 50)],
)
def test_the_longer_the_executions_the_smaller_the_chunks(total: int, expected_ms: int | None, size: int) -> None:
    assert dispatch.largest(TestRun(total=total, expected_ms=expected_ms)) == size
