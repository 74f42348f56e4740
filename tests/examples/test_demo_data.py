"""The demo description fits together: every reference leads somewhere, and every critical seam is covered."""

from typing import Any

import pytest

from apps.catalog.definition import BUILT_IN_NAMES, points_of, variables_used
from apps.systems.models import Component, IntegrationPoint
from examples.shop.catalogue import SERVICES
from tests.examples.demo_data import cases, resolved, suites, system
from tests.examples.shop_processes import shop_environ

SYSTEM = system()
CASES = cases()
FAILING_BY_DESIGN = {"concurrency/last-piece", "concurrency/stock-adds-up"}


def slugs(key: str) -> list[str]:
    """The slugs of everything under *key*."""
    return [item["slug"] for item in SYSTEM[key]]


def captured(case: dict[str, Any]) -> set[str]:
    """Names that the steps of *case* capture."""
    return {name for step in case["steps"] for name in step.get("capture", {})}


@pytest.mark.parametrize("key", ["components", "points", "workflows", "environments", "datasets", "plans"])
def test_slugs_are_there_once(key: str) -> None:
    assert len(slugs(key)) == len(set(slugs(key)))


def test_components_and_points_use_words_that_the_models_know() -> None:
    assert {component["kind"] for component in SYSTEM["components"]} <= set(Component.Kind.values)
    assert {point["protocol"] for point in SYSTEM["points"]} <= set(IntegrationPoint.Protocol.values)
    assert {point["criticality"] for point in SYSTEM["points"]} <= {"low", "medium", "high", "critical"}


def test_points_join_two_different_components() -> None:
    for point in SYSTEM["points"]:
        assert {point["consumer"], point["provider"]} <= set(slugs("components")), point
        assert point["consumer"] != point["provider"], point


def test_workflows_lead_through_points_that_exist() -> None:
    for workflow in SYSTEM["workflows"]:
        assert set(workflow["points"]) <= set(slugs("points")), workflow["slug"]


def test_versions_and_deployments_are_those_that_the_shop_starts_with() -> None:
    versions = {
        item["slug"]: [version["name"] for version in item.get("versions", [])] for item in SYSTEM["components"]
    }
    for service, card in SERVICES.items():
        assert versions[service] == list(card.versions)
    for environment in SYSTEM["environments"]:
        assert environment["deployments"] == {name: card.default for name, card in SERVICES.items()}


def test_every_placeholder_is_a_variable_that_the_shop_is_started_with() -> None:
    environ = shop_environ("postgresql://127.0.0.1/shop", "redis://127.0.0.1/9")
    for environment in SYSTEM["environments"]:
        values = resolved(environment["variables"] | environment["secrets"], environ)
        assert not any("${" in value for value in values.values())


def test_the_environments_have_the_same_names_and_different_values() -> None:
    local, staging = SYSTEM["environments"]
    assert local["variables"].keys() == staging["variables"].keys()
    assert local["variables"] != staging["variables"]


def test_rows_have_the_columns_of_their_data_set_and_add_up() -> None:
    for dataset in SYSTEM["datasets"]:
        for row in dataset["rows"]:
            assert list(row["values"]) == dataset["columns"]
            assert row["values"]["total"] == row["values"]["quantity"] * row["values"]["unit_price"]


def test_plans_name_suites_and_tags_that_exist() -> None:
    tags = {tag for case in CASES.values() for tag in case.get("tags", [])}
    for plan in SYSTEM["plans"]:
        assert set(plan.get("suites", [])) <= set(suites())
        assert set(plan.get("tags", [])) <= tags


def test_the_automated_plan_needs_no_person() -> None:
    (plan,) = [plan for plan in SYSTEM["plans"] if plan["slug"] == "automated"]
    by_hand = {name for name, case in CASES.items() if any(step["kind"] == "manual" for step in case["steps"])}
    assert by_hand
    assert not {name.partition("/")[0] for name in by_hand} & set(plan["suites"])


def test_there_are_enough_cases_of_every_kind() -> None:
    assert len(CASES) >= 25
    assert {step["kind"] for case in CASES.values() for step in case["steps"]} == {
        *("http", "sql", "redis", "grpc", "command", "browser", "manual", "parallel", "set")
    }
    assert any(case.get("dataset") for case in CASES.values())
    assert any("graphql" in step["with"] for case in CASES.values() for step in case["steps"])


@pytest.mark.parametrize("name", CASES)
def test_a_case_refers_to_what_exists(name: str) -> None:
    case = CASES[name]
    (row, *_) = SYSTEM["datasets"][0]["rows"]
    known = captured(case) | (set(row["values"]) if case.get("dataset") else set()) | set(BUILT_IN_NAMES)
    for environment in SYSTEM["environments"]:
        there = known | set(environment["variables"]) | set(environment["secrets"])
        assert set(variables_used(case)) <= there
    assert set(points_of(case)) <= set(slugs("points"))
    assert case.get("dataset", "orders") in slugs("datasets")


def test_every_point_is_covered_by_a_case() -> None:
    covered = {point for case in CASES.values() for point in points_of(case)}
    assert set(slugs("points")) - covered == set()


def test_exactly_two_cases_fail_by_design_and_say_how_to_repair_the_shop() -> None:
    marked = {name for name, case in CASES.items() if "fails-by-design" in case.get("tags", [])}
    assert marked == FAILING_BY_DESIGN
    for name in marked:
        assert "script/shop inventory version 1.0" in CASES[name]["description"]
