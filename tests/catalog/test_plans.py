"""What a plan selects."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import TestCase, TestPlan, TestSuite
from apps.core.errors import DomainError
from apps.systems.models import System

Make = Callable[..., TestCase]


def titles(plan: TestPlan) -> list[str]:
    return [case.title for case in services.cases_of(plan)]


@pytest.fixture
def cases(system: System, suite: TestSuite, lead: User, make_case: Make) -> dict[str, TestCase]:
    inner = services.save_suite(system, by=lead, parent=suite, name="Inner")
    elsewhere = services.save_suite(system, by=lead, parent=None, name="Elsewhere")
    made = {
        "top": make_case("top"),
        "inner": make_case("inner"),
        "smoke": make_case("smoke", tags=["smoke"]),
        "old": make_case("old", status="archived"),
        "draft": make_case("draft", status="draft"),
    }
    services.move_case(made["inner"], inner, by=lead)
    services.move_case(made["smoke"], elsewhere, by=lead)
    return made


def test_everything_means_all_active_cases(system: System, cases: dict[str, TestCase], lead: User) -> None:
    assert titles(services.save_plan(system, by=lead, name="All", everything=True)) == ["top", "inner", "smoke"]


def test_a_suite_brings_all_below_it(system: System, suite: TestSuite, cases: dict[str, TestCase], lead: User) -> None:
    assert titles(services.save_plan(system, by=lead, name="Checkout", suites=[suite])) == ["top", "inner"]


def test_tags_and_named_cases_add_up_and_each_case_comes_once(
    system: System, suite: TestSuite, cases: dict[str, TestCase], lead: User
) -> None:
    plan = services.save_plan(
        system, by=lead, name="Mix", suites=[suite], cases=[cases["top"], cases["old"]], tags=["smoke", " smoke "]
    )

    assert titles(plan) == ["top", "inner", "smoke"]
    assert plan.tags == ["smoke"]


def test_a_plan_that_selects_nothing_has_no_cases(system: System, cases: dict[str, TestCase], lead: User) -> None:
    assert titles(services.save_plan(system, by=lead, name="Nothing")) == []


def test_counts_of_a_list_of_plans_are_those_of_each(
    system: System, suite: TestSuite, cases: dict[str, TestCase], lead: User
) -> None:
    plans = [
        services.save_plan(system, by=lead, name="All", everything=True),
        services.save_plan(system, by=lead, name="Suite", suites=[suite]),
        services.save_plan(system, by=lead, name="Mix", suites=[suite], cases=[cases["old"]], tags=["smoke"]),
        services.save_plan(system, by=lead, name="Nothing"),
    ]

    counts = services.count_cases(plans)

    assert [counts.get(plan.pk, 0) for plan in plans] == [len(titles(plan)) for plan in plans] == [3, 2, 3, 0]


def test_selecting_costs_the_same_at_any_size(
    system: System, suite: TestSuite, cases: dict[str, TestCase], lead: User, make_case: Make
) -> None:
    plan = services.save_plan(system, by=lead, name="Mix", suites=[suite], tags=["smoke"], cases=[cases["top"]])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            list(services.cases_of(plan))
        return len(captured)

    few = queries()
    for number in range(30):
        make_case(f"Case {number}", tags=["smoke"])

    assert len(titles(plan)) == 33
    assert queries() == few <= 2


def test_changing_a_plan_keeps_what_is_not_given(system: System, suite: TestSuite, lead: User) -> None:
    plan = services.save_plan(system, by=lead, name="Checkout", suites=[suite], tags=["smoke"])
    plan = services.save_plan(system, by=lead, plan=plan, name="Renamed")

    assert (plan.name, plan.slug, plan.tags) == ("Renamed", "checkout", ["smoke"])
    assert list(plan.suites.all()) == [suite]


def test_selections_of_another_system_are_refused(system: System, outsider: User, lead: User) -> None:
    theirs = TestSuite.objects.create(system=System.objects.get(slug="other"), name="Theirs")

    with pytest.raises(DomainError):
        services.save_plan(system, by=lead, name="Stolen", suites=[theirs])
    assert not system.plans.exists()
