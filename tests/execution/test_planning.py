"""What runs first, for how long, where, and with which data when it runs again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.core.errors import DomainError
from apps.environments.models import DataRow, Dataset, Environment
from apps.execution import planning, services
from apps.runs.models import CaseRecord, TestRun
from apps.systems.models import System, Workflow
from tests.execution.test_worker import asking

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., TestCase]


@pytest.fixture(autouse=True)
def _nothing_is_sent(sent: Any) -> None:
    """No worker in these tests."""


def seen(case: TestCase, environment: Environment, strip: str, duration_ms: float = 100) -> None:
    state = {"P": "passed", "F": "failed"}[strip[-1]]
    CaseRecord.objects.create(
        case=case, environment=environment, state=state, strip=strip, duration_ms=duration_ms, last_at=timezone.now()
    )


def start(environment: Environment, cases: list[TestCase], by: User, **more: Any) -> TestRun:
    return services.start_run(system=environment.system, environment=environment, cases=cases, started_by=by, **more)


def test_risk_decides_what_runs_first(environment: Environment, make_case: MakeCase, system: System) -> None:
    critical = Workflow.objects.create(system=system, name="Checkout", slug="checkout", criticality=4)
    failed, shaky, key, high, slow, quick = (
        make_case("Failed last", priority=1),
        make_case("Failed lately", priority=1),
        make_case("Of a critical workflow", workflow=critical, priority=1),
        make_case("High", priority=3),
        make_case("Slow"),
        make_case("Quick"),
    )
    seen(failed, environment, "PF")
    seen(shaky, environment, "PFPP")
    seen(slow, environment, "PP", 5_000)
    seen(quick, environment, "PP", 5)

    order = planning.plan([quick, slow, high, key, shaky, failed], environment)

    assert [one.case.title for one in order.planned] == [
        "Failed last", "Failed lately", "Of a critical workflow", "High", "Slow", "Quick",
    ]  # fmt: skip


def test_the_estimate_knows_the_limit_and_what_runs_alone(environment: Environment, make_case: MakeCase) -> None:
    Environment.objects.filter(pk=environment.pk).update(max_parallel=10)
    environment.refresh_from_db()
    free = [make_case(f"Free {n}") for n in range(100)]
    alone = [make_case(f"Alone {n}", asking("/") | {"exclusive": ["stock"]}) for n in range(10)]
    for case in [*free, *alone]:
        seen(case, environment, "P", 1_000)

    assert planning.plan(free, environment).expected_ms == 10_000 + 100
    assert planning.plan(alone, environment).expected_ms == 10_000
    assert planning.plan([], environment).expected_ms == 0


def test_a_plan_runs_in_several_environments_by_one_click(
    environment: Environment, make_case: MakeCase, system: System, tester: User, sign_in: Callable[[User], Client]
) -> None:
    make_case("A"), make_case("B")
    Environment.objects.create(system=system, name="Staging", slug="staging", queue="env.staging")
    TestPlan.objects.create(system=system, name="All", slug="all", everything=True, priority="urgent", time_limit=600)
    client = sign_in(tester)
    asked = "/s/shop/runs/start/?plan=all&environment=local&environment=staging"

    page = client.get(asked).content.decode()
    answer = client.post("/s/shop/runs/start/", {"plan": "all", "environment": ["local", "staging"]})

    assert page.count("of 2 cases") == 2
    assert "No worker listens to env.staging." in page
    assert answer["Location"] == "/s/shop/runs/"
    found = TestRun.objects.order_by("environment__slug")
    assert [(r.environment.slug, r.total, r.priority, r.time_limit) for r in found] == [
        ("local", 2, "urgent", 600), ("staging", 2, "urgent", 600),
    ]  # fmt: skip


def test_who_has_cases_and_no_plan_is_shown_both_ways_to_a_run(
    environment: Environment, make_case: MakeCase, tester: User, sign_in: Callable[[User], Client]
) -> None:
    make_case("A")

    page = sign_in(tester).get("/s/shop/runs/start/").content.decode()

    assert '<a class="btn btn-primary" href="/s/shop/plans/new/">Make a plan</a>' in page
    assert '<a class="btn" href="/s/shop/cases/">Choose cases</a>' in page


def test_either_all_of_several_runs_start_or_none(
    environment: Environment, make_case: MakeCase, system: System, tester: User, outsider: User
) -> None:
    foreign = Environment.objects.create(system=System.objects.get(slug="other"), name="Theirs", slug="theirs")

    with pytest.raises(DomainError):
        services.start_runs(environments=[environment, foreign], system=system, cases=[make_case()], started_by=tester)

    assert not TestRun.objects.exists()


def test_a_few_executions_go_before_a_large_run_unless_told_otherwise(
    environment: Environment, make_case: MakeCase, tester: User
) -> None:
    cases = [make_case(f"Case {n}") for n in range(planning.FEW + 1)]

    assert start(environment, cases, tester).priority == "normal"
    assert start(environment, cases[:-1], tester).priority == "urgent"
    assert start(environment, cases[:1], tester, priority="normal").priority == "normal"
    assert start(environment, cases, tester, priority="urgent").priority == "urgent"


def test_a_rerun_takes_the_original_data_and_seeds_or_those_of_today(
    environment: Environment, make_case: MakeCase, system: System, tester: User, api: Any
) -> None:
    orders = Dataset.objects.create(system=system, name="Orders", slug="orders", columns=["sku"])
    row = DataRow.objects.create(dataset=orders, position=1, values={"sku": "old"})
    run = start(environment, [make_case("An order", dataset=orders)], tester)
    DataRow.objects.filter(pk=row.pk).update(values={"sku": "new"})
    DataRow.objects.create(dataset=orders, position=2, values={"sku": "more"})

    same = services.rerun(run, by=tester)
    answer = api(tester).post(f"/api/v1/runs/{run.pk}/rerun/", {"which": "all", "data": "new"})
    fresh = TestRun.objects.get(pk=answer.json()["id"])

    assert [(e.row["sku"], e.seed) for e in same.executions.all()] == [("old", run.executions.get().seed)]
    assert [e.row["sku"] for e in fresh.executions.all()] == ["new", "more"]
    assert fresh.rerun_of == run
    assert run.executions.get().seed not in {e.seed for e in fresh.executions.all()}


def test_the_api_takes_priority_retries_and_a_time_limit(
    environment: Environment, make_case: MakeCase, tester: User, api: Any
) -> None:
    body = {"system": "shop", "environment": "local", "cases": [make_case().number]}
    more = {"priority": "normal", "retries": 3, "time_limit": 60}

    run = api(tester).post("/api/v1/runs/", body | more).json()

    assert (run["priority"], run["time_limit"]) == ("normal", 60)
    assert TestRun.objects.get(pk=run["id"]).executions.get().retries == 3
    for wrong in ({"priority": "first"}, {"retries": 6}, {"time_limit": 1}):
        assert api(tester).post("/api/v1/runs/", body | wrong).status_code == 400


def test_starting_a_run_costs_the_same_number_of_queries_at_any_size(
    environment: Environment, make_case: MakeCase, tester: User
) -> None:
    cases = [make_case(f"Case {n}") for n in range(60)]

    def cost(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            start(environment, cases[:count], tester)
        return len(queries)

    assert cost(3) == cost(60)
