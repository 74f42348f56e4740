"""Suites, cases and plans over the REST API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import TestCase, TestSuite
from apps.systems.models import IntegrationPoint, System

Make = Callable[..., TestCase]
STEP = {"name": "Ask", "kind": "http", "with": {"url": "http://shop"}}
YAML = "title: From YAML\nsteps:\n  - name: Ask\n    kind: http\n    with: {url: http://shop}\n"


@pytest.fixture
def api(sign_in: Callable[[User], Client], tester: User) -> Client:
    return sign_in(tester)


def send(client: Client, method: str, path: str, body: Any) -> Any:
    return getattr(client, method)(f"/api/v1/{path}", body, content_type="application/json")


def test_a_case_is_made_from_json(api: Client, system: System, suite: TestSuite, point: IntegrationPoint) -> None:
    answer = send(
        api,
        "post",
        "cases/",
        {
            "system": "shop",
            "suite": suite.pk,
            "message": "By a program",
            "definition": {"title": "New", "priority": "high", "steps": [{**STEP, "point": point.slug}]},
        },
    )

    assert answer.status_code == 201, answer.content
    case = answer.json()
    assert (case["number"], case["key"], case["priority"], case["revision"]) == (1, "C1", "high", 1)
    assert case["points"] == [point.slug]
    assert case["definition"]["steps"][0]["name"] == "Ask"
    assert system.cases.get().current.message == "By a program"


def test_a_case_is_made_from_yaml_and_read_as_yaml(api: Client, suite: TestSuite) -> None:
    made = send(api, "post", "cases/", {"system": "shop", "suite": suite.pk, "yaml": YAML}).json()

    answer = api.get(f"/api/v1/cases/{made['id']}/yaml/", headers={"accept": "application/yaml"})

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/yaml")
    assert "title: From YAML" in answer.content.decode()


@pytest.mark.parametrize(
    ("text", "line", "column", "detail"),
    [
        ("title: T\nsteps:\n  - name: A\n    kind: htpp\n", 4, 5, "htpp"),
        ("title: T\nsteps:\n  - name: [\n", 4, 1, "YAML"),
        ("title: T\nsteps:\n  - {name: A, kind: http, point: gone, with: {url: x}}\n", 3, 27, "gone"),
    ],
    ids=["unknown kind", "broken YAML", "unknown point"],
)
def test_bad_yaml_says_line_and_column(
    api: Client, suite: TestSuite, text: str, line: int, column: int, detail: str
) -> None:
    answer = send(api, "post", "cases/", {"system": "shop", "suite": suite.pk, "yaml": text})

    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    error = answer.json()["errors"][0]
    assert (error["line"], error["column"]) == (line, column)
    assert detail in error["detail"]
    assert not TestCase.objects.exists()


def test_a_bad_definition_names_the_path_of_each_problem(api: Client, suite: TestSuite) -> None:
    definition = {"title": "T", "steps": [{"name": "A", "kind": "http", "with": {}, "expect": [{"check": "statuss"}]}]}

    answer = send(api, "post", "cases/", {"system": "shop", "suite": suite.pk, "definition": definition})

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} >= {"steps[0].with", "steps[0].expect[0].check"}


@pytest.mark.parametrize("definition", [None, [], "text", 7, {"title": 1}, {"steps": {}}], ids=repr)
def test_odd_definitions_are_refused(api: Client, suite: TestSuite, definition: Any) -> None:
    answer = send(api, "post", "cases/", {"system": "shop", "suite": suite.pk, "definition": definition})

    assert answer.status_code in {400, 422}
    assert answer.json()["errors"]


def test_a_change_of_an_outdated_revision_is_a_conflict_with_both_changes(api: Client, make_case: Make) -> None:
    case = make_case("Original")
    assert case.current is not None
    path = f"cases/{case.pk}/"
    send(api, "patch", path, {"definition": {**case.current.definition, "title": "Theirs"}, "based_on": 1})

    answer = send(api, "patch", path, {"definition": {**case.current.definition, "title": "Mine"}, "based_on": 1})

    assert answer.status_code == 409
    problem = answer.json()
    assert problem["current"] == 2
    assert "+title: Theirs" in problem["theirs"]
    assert "+title: Mine" in problem["yours"]


def test_a_case_is_archived_without_a_new_revision(api: Client, make_case: Make) -> None:
    case = make_case()

    answer = send(api, "patch", f"cases/{case.pk}/", {"status": "archived"})

    assert answer.json()["status"] == "archived"
    assert case.revisions.count() == 1
    assert api.delete(f"/api/v1/cases/{case.pk}/").status_code == 405


def test_revisions_are_listed_newest_first(api: Client, make_case: Make) -> None:
    case = make_case()
    assert case.current is not None
    send(api, "patch", f"cases/{case.pk}/", {"definition": {**case.current.definition, "title": "B"}, "message": "why"})

    rows = api.get(f"/api/v1/cases/{case.pk}/revisions/").json()["results"]

    assert [(row["number"], row["message"], row["definition"]["title"]) for row in rows] == [
        (2, "why", "B"),
        (1, "", "The shop answers"),
    ]


def test_several_cases_are_imported_or_none(api: Client, suite: TestSuite) -> None:
    body = {"system": "shop", "suite": suite.pk, "yaml": f"{YAML}---\n{YAML}"}
    assert len(send(api, "post", "cases/import/", body).json()) == 2

    refused = send(api, "post", "cases/import/", body | {"yaml": f"{YAML}---\ntitle: T\n"})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["line"] == 7
    assert TestCase.objects.count() == 2


def test_lists_filter_by_declared_parameters_only(
    api: Client, system: System, suite: TestSuite, make_case: Make, lead: User
) -> None:
    make_case("Apple pie", tags=["smoke"], priority=4)
    inner = services.save_suite(system, by=lead, parent=suite, name="Inner")
    services.move_case(make_case("Banana"), inner, by=lead)

    def titles(query: str) -> list[str]:
        return [row["title"] for row in api.get(f"/api/v1/cases/?{query}").json()["results"]]

    assert titles("system=shop") == ["Banana", "Apple pie"]
    assert titles(f"suite={suite.pk}") == ["Banana", "Apple pie"]
    assert titles(f"suite={inner.pk}") == ["Banana"]
    assert titles("tag=smoke") == titles("priority=critical") == titles("search=PIE") == ["Apple pie"]
    assert api.get("/api/v1/cases/?definition__title=x").status_code == 400


def test_the_list_costs_the_same_at_any_size(api: Client, make_case: Make, point: IntegrationPoint) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get("/api/v1/cases/?system=shop")
        return len(captured)

    for number in range(3):
        make_case(f"Case {number}").points.add(point)
    few = queries()
    for number in range(20):
        make_case(f"More {number}").points.add(point)

    assert queries() == few


def test_a_suite_is_made_moved_and_deleted_when_empty(api: Client, suite: TestSuite, make_case: Make) -> None:
    made = send(api, "post", "suites/", {"system": "shop", "name": "Inner", "parent": suite.pk})
    assert made.status_code == 201, made.content
    pk = made.json()["id"]

    assert send(api, "patch", f"suites/{suite.pk}/", {"parent": pk}).status_code == 400
    assert send(api, "patch", f"suites/{pk}/", {"parent": None}).json()["parent"] is None
    assert api.delete(f"/api/v1/suites/{pk}/").status_code == 204
    make_case()
    assert api.delete(f"/api/v1/suites/{suite.pk}/").status_code == 409


def test_a_plan_is_made_by_leads_and_lists_what_it_selects(
    api: Client, sign_in: Callable[[User], Client], lead: User, suite: TestSuite, make_case: Make
) -> None:
    make_case("One")
    body = {"system": "shop", "name": "Checkout", "suites": [suite.pk], "cases": [1], "tags": ["smoke"]}
    assert send(api, "post", "plans/", body).status_code == 403

    made = send(sign_in(lead), "post", "plans/", body)

    assert made.status_code == 201, made.content
    assert (made.json()["slug"], made.json()["cases"]) == ("checkout", [1])
    chosen = api.get(f"/api/v1/plans/{made.json()['id']}/cases/").json()["results"]
    assert [row["title"] for row in chosen] == ["One"]


def test_an_outsider_sees_and_names_nothing(
    sign_in: Callable[[User], Client], outsider: User, suite: TestSuite, make_case: Make
) -> None:
    case, client = make_case(), sign_in(outsider)

    assert client.get("/api/v1/cases/").json()["results"] == []
    for path in (f"cases/{case.pk}/", f"cases/{case.pk}/yaml/", f"cases/{case.pk}/revisions/", f"suites/{suite.pk}/"):
        assert client.get(f"/api/v1/{path}").status_code == 404
    stolen = {"system": "shop", "suite": suite.pk, "yaml": YAML}
    assert send(client, "post", "cases/", stolen).status_code == 400
    assert send(client, "post", "cases/", stolen | {"system": "other"}).status_code == 400
    assert send(client, "post", "plans/", {"system": "other", "name": "P", "cases": [case.number]}).status_code == 400


def test_a_viewer_reads_but_does_not_write(
    sign_in: Callable[[User], Client], viewer: User, suite: TestSuite, make_case: Make
) -> None:
    case, client = make_case(), sign_in(viewer)

    assert client.get(f"/api/v1/cases/{case.pk}/").status_code == 200
    assert send(client, "patch", f"cases/{case.pk}/", {"status": "archived"}).status_code == 403
    assert send(client, "post", "cases/", {"system": "shop", "suite": suite.pk, "yaml": YAML}).status_code == 403
    assert send(client, "post", "suites/", {"system": "shop", "name": "S"}).status_code == 403


@pytest.mark.parametrize("suite", ["9" * 30, "1e30", "-1", "NaN"])
def test_a_suite_that_cannot_be_is_no_filter(api: Client, suite: str) -> None:
    assert api.get("/api/v1/cases/", {"suite": suite}).status_code == 400
