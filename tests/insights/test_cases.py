"""The list and pages of cases and plans: filters in the URL, results of an environment, bounded queries."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import TestCase, TestSuite
from apps.environments.models import DataRow, Dataset, Environment
from apps.runs.models import CaseRecord, Execution, TestRun
from apps.systems.models import IntegrationPoint, System

Make = Callable[..., TestCase]


@pytest.fixture
def page(sign_in: Callable[[User], Client], tester: User) -> Client:
    return sign_in(tester)


@pytest.fixture
def ran(system: System, environment: Environment) -> Callable[..., Execution]:
    """``ran(case, state="failed")`` – an execution of it with its record."""
    run = TestRun.objects.create(system=system, number=1, title="Nightly", environment=environment, verdict="failed")

    def execute(case: TestCase, state: str = "passed", where: Environment | None = None) -> Execution:
        executed = Execution.objects.create(
            run=run,
            position=run.executions.count() + 1,
            case=case,
            revision=case.current,
            title=case.title,
            state=state,
        )
        CaseRecord.objects.update_or_create(
            case=case,
            environment=where or environment,
            defaults={"state": state, "strip": state[0].upper(), "last_at": timezone.now(), "last_execution": executed},
        )
        return executed

    return execute


def titles(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/s/shop/cases/?{query}")
    assert answer.status_code == 200
    return [row.case.title for row in answer.context["list"].rows]


def count_queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_an_empty_system_says_how_to_begin(page: Client, system: System) -> None:
    text = page.get("/s/shop/cases/").content.decode()

    assert "No cases yet" in text
    assert "/s/shop/suites/new/" in text


def test_a_suite_shows_all_below_it(
    page: Client, system: System, suite: TestSuite, lead: User, make_case: Make
) -> None:
    inner = services.save_suite(system, by=lead, parent=suite, name="Inner")
    other = services.save_suite(system, by=lead, parent=None, name="Other")
    make_case("Top")
    services.move_case(make_case("Deep"), inner, by=lead)
    services.move_case(make_case("Elsewhere"), other, by=lead)

    assert titles(page, f"suite={suite.pk}") == ["Top", "Deep"]
    assert titles(page, f"suite={inner.pk}") == ["Deep"]
    assert titles(page) == ["Top", "Deep", "Elsewhere"]


def test_filters_of_the_case_itself(page: Client, make_case: Make) -> None:
    make_case("An order is paid", tags=["smoke"], priority=4)
    make_case("A refund", mode="manual")
    make_case("Old", status="archived")
    make_case("Half done", status="draft")

    assert titles(page) == ["An order is paid", "A refund", "Half done"]
    assert titles(page, "q=ORDER") == titles(page, "q=c1") == titles(page, "q=paid+smoke") == ["An order is paid"]
    assert titles(page, "tag=smoke") == titles(page, "priority=critical") == ["An order is paid"]
    assert titles(page, "mode=manual") == ["A refund"]
    assert titles(page, "status=archived") == ["Old"]
    assert titles(page, "status=draft") == ["Half done"]
    assert len(titles(page, "status=all")) == 4
    assert titles(page, "q=nothing+like+it") == []


@pytest.mark.parametrize(
    "query", ["tag=gone", "priority=huge", "suite=x", "suite=99999999999999999999", "page=x", "sort=evil"]
)
def test_values_that_are_not_offered_filter_nothing(page: Client, make_case: Make, query: str) -> None:
    make_case("Here")

    assert titles(page, query) == ["Here"]


def test_results_are_those_of_the_chosen_environment(
    page: Client, system: System, environment: Environment, make_case: Make, ran: Callable[..., Execution]
) -> None:
    staging = Environment.objects.create(system=system, name="Staging", slug="staging", position=1)
    good, bad, never = make_case("Good"), make_case("Bad"), make_case("Never")
    ran(good), ran(bad, "failed"), ran(good, "blocked", staging)

    assert titles(page, "state=failed") == ["Bad"]
    assert titles(page, "state=never") == ["Never"]
    assert titles(page, "state=blocked&environment=staging") == ["Good"]
    assert titles(page, "state=never&environment=staging") == ["Bad", "Never"]
    records = {
        row.case.title: row.record for row in page.get("/s/shop/cases/?environment=staging").context["list"].rows
    }
    assert records["Good"].state == "blocked"
    assert records["Bad"] is records["Never"] is None
    assert never.records.count() == 0


def test_sorting(page: Client, make_case: Make, ran: Callable[..., Execution]) -> None:
    make_case("b", priority=1)
    ran(make_case("a", priority=4))
    make_case("c", priority=2)

    assert titles(page, "sort=title") == ["a", "b", "c"]
    assert titles(page, "sort=-title") == ["c", "b", "a"]
    assert titles(page, "sort=-priority") == ["a", "c", "b"]
    assert titles(page, "sort=last")[0] == titles(page, "sort=-last")[0] == "a"


def test_fifty_rows_a_page(page: Client, make_case: Make) -> None:
    for number in range(53):
        make_case(f"Case {number}")

    assert len(titles(page)) == 50
    assert titles(page, "page=2") == ["Case 50", "Case 51", "Case 52"]


def test_the_list_costs_the_same_at_any_size_and_stays_light(
    page: Client, system: System, suite: TestSuite, lead: User, make_case: Make, ran: Callable[..., Execution]
) -> None:
    for number in range(3):
        ran(make_case(f"Case {number}", tags=["smoke"]))
    few = count_queries(page, "/s/shop/cases/")
    for number in range(60):
        inner = services.save_suite(system, by=lead, parent=suite, name=f"Suite {number}") if number < 20 else suite
        ran(make_case(f"A case with a title of a usual length, number {number}", tags=[f"tag{number % 9}", "smoke"]))
        assert inner

    assert count_queries(page, "/s/shop/cases/") == few
    assert len(page.get("/s/shop/cases/").content) < 150_000


def test_htmx_gets_the_list_alone(page: Client, make_case: Make) -> None:
    make_case()

    part = page.get("/s/shop/cases/", headers={"HX-Target": "cases", "HX-Request": "true"}).content.decode()

    assert part.lstrip().startswith('<div id="cases"')
    assert "<html" not in part


def test_the_chosen_case_stands_beside_the_list(page: Client, make_case: Make, environment: Environment) -> None:
    case = make_case("Beside")

    assert "data-panel-of" in page.get(f"/s/shop/cases/?case={case.number}").content.decode()
    assert "data-panel-of" not in page.get("/s/shop/cases/?case=99").content.decode()
    assert page.get(f"/s/shop/cases/{case.number}/panel/").status_code == 200
    assert page.get("/s/shop/cases/99/panel/").status_code == 404


def test_the_case_page_says_what_the_steps_do_in_words(page: Client, make_case: Make, point: IntegrationPoint) -> None:
    steps = [
        {
            "name": "Place it",
            "kind": "http",
            "point": point.slug,
            "with": {"method": "POST", "url": "{{ SHOP }}/orders", "json": {"sku": "<b>A</b>"}},
            "expect": [
                {"check": "json", "at": "$.id", "exists": True},
                {"check": "status", "equals": 201, "not": True},
            ],
            "capture": {"token": {"from": "json", "at": "$.token", "secret": True}},
            "retry": {"for": 5, "every": 0.25},
        },
        {"name": "Look", "kind": "manual", "with": {"instructions": "Open **it**"}},
        {"name": "Odd", "kind": "gone-kind", "with": {"x": 1}},
    ]
    case = make_case("In words", {"title": "", "steps": steps})

    text = page.get(f"/s/shop/cases/{case.number}/").content.decode()

    for words in (
        "POST {{ SHOP }}/orders",
        "exists",
        "not",
        "201",
        "secret",
        "0.25",
        "<strong>it</strong>",
        "gone-kind",
    ):
        assert words in text
    assert "<b>A</b>" not in text


@pytest.mark.parametrize("tab", ["steps", "yaml", "results", "history", "odd"])
def test_every_tab_of_a_case_costs_the_same_at_any_size(
    page: Client,
    system: System,
    suite: TestSuite,
    lead: User,
    make_case: Make,
    ran: Callable[..., Execution],
    point: IntegrationPoint,
    tab: str,
) -> None:
    dataset = Dataset.objects.create(system=system, name="Rows", slug="rows", columns=["sku"])
    case = make_case("Much happened", dataset=dataset)
    path = f"/s/shop/cases/{case.number}/?tab={tab}"

    def grow(count: int) -> None:
        for number in range(count):
            ran(case)
            DataRow.objects.create(dataset=dataset, position=dataset.rows.count() + 1, values={"sku": number})
            services.save_plan(system, by=lead, name=f"Plan {TestRun.objects.count()}", cases=[case])
            definition = {"title": f"Title {case.revisions.count()}", "steps": case.current.definition["steps"]}
            services.save_case(system, suite, {**definition, "dataset": "rows"}, lead, case=case)
            case.refresh_from_db()

    grow(2)
    few = count_queries(page, path)
    grow(12)

    assert count_queries(page, path) == few


def test_history_shows_each_change(page: Client, system: System, suite: TestSuite, lead: User, make_case: Make) -> None:
    case = make_case("Before")
    services.save_case(system, suite, {**case.current.definition, "title": "After"}, lead, "Clearer", case)  # type: ignore[union-attr]

    text = page.get(f"/s/shop/cases/{case.number}/?tab=history").content.decode()

    assert "<ins>title: After</ins>" in text
    assert "<del>title: Before</del>" in text
    assert "Clearer" in text


def test_a_plan_shows_what_it_selects_and_its_last_runs(
    page: Client, system: System, environment: Environment, lead: User, make_case: Make
) -> None:
    make_case("Chosen", tags=["smoke"])
    make_case("Not chosen")
    plan = services.save_plan(system, by=lead, name="Smoke", tags=["smoke"])
    TestRun.objects.create(system=system, number=7, title="Smoke", plan=plan, environment=environment, verdict="passed")

    answer = page.get("/s/shop/plans/smoke/")

    assert [row.case.title for row in answer.context["shown"].rows] == ["Chosen"]
    assert "#7" in answer.content.decode()
    assert 'action="/s/shop/runs/start/"' in answer.content.decode()


def test_lists_of_plans_cost_the_same_at_any_size(
    page: Client, system: System, environment: Environment, suite: TestSuite, lead: User, make_case: Make
) -> None:
    make_case("One", tags=["smoke"])

    def plans(count: int) -> Iterator[Any]:
        for _number in range(count):
            plan = services.save_plan(system, by=lead, name=f"P {system.plans.count()}", tags=["smoke"], suites=[suite])
            number = TestRun.objects.count() + 1
            yield TestRun.objects.create(system=system, number=number, title="R", plan=plan, environment=environment)

    list(plans(2))
    few = count_queries(page, "/s/shop/plans/")
    list(plans(15))

    assert count_queries(page, "/s/shop/plans/") == few


def test_an_outsider_sees_none_of_it(
    sign_in: Callable[[User], Client], outsider: User, system: System, lead: User, make_case: Make
) -> None:
    case = make_case()
    services.save_plan(system, by=lead, name="Smoke", tags=["smoke"])
    client = sign_in(outsider)

    for path in ("cases/", f"cases/{case.number}/", f"cases/{case.number}/panel/", "plans/", "plans/smoke/"):
        assert client.get(f"/s/shop/{path}").status_code == 404
    assert client.get(f"/s/other/cases/{case.number}/").status_code == 404
