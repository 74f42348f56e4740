"""What the editor asks of the server: both forms of a case, problems with their place, saving and conflicts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.definition import kinds, normalise, validate
from apps.catalog.models import TestCase, TestSuite
from apps.environments.models import Dataset
from apps.systems.models import System
from tests.catalog.definitions import EVERYTHING, STEPS

Make = Callable[..., TestCase]
CONVERT = "/s/shop/cases/convert/"


@pytest.fixture
def page(sign_in: Callable[[User], Client], tester: User, system: System) -> Client:
    return sign_in(tester)


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def test_the_cases_of_these_tests_cover_every_kind() -> None:
    # A call needs a shared step to name; test_shared_steps has them.
    assert {step["kind"] for step in STEPS.values()} == {kind.name for kind in kinds()} - {"call"}
    assert validate(EVERYTHING) == []


@pytest.mark.parametrize("name", STEPS)
def test_form_to_yaml_to_form_gives_the_same_step(page: Client, name: str) -> None:
    case = {"title": "T", "steps": [STEPS[name]]}

    text = post(page, CONVERT, {"definition": case}).json()["yaml"]
    back = post(page, CONVERT, {"yaml": text}).json()

    assert back["definition"] == normalise(case)
    assert back["errors"] == []
    assert back["form"] is True


def test_keys_keep_their_order_on_the_way(page: Client) -> None:
    text = post(page, CONVERT, {"definition": EVERYTHING}).json()["yaml"]
    back = post(page, CONVERT, {"yaml": text}).json()["definition"]

    assert list(back["steps"][list(STEPS).index("http")]["with"]["json"]) == ["z", "a", "nested"]


def test_an_unfinished_form_still_has_its_yaml(page: Client) -> None:
    case = {"title": "", "steps": [{"name": "", "kind": "http", "with": {"url": ""}}]}

    answer = post(page, CONVERT, {"definition": case})

    assert answer.status_code == 200
    assert "kind: http" in answer.json()["yaml"]
    assert {"title", "steps[0].name", "steps[0].with.url"} <= {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("text", "line", "column", "detail"),
    [
        ("title: T\nsteps:\n  - name: A\n    kind: htpp\n    with: {}\n", 4, 5, "unknown step kind “htpp”"),
        ("title: T\nsteps:\n  - name: 'A\n", 4, 1, "not valid YAML"),
        ("title: T\nstepps: []\n", 2, 1, "stepps"),
        ("", 1, 1, "the text is empty"),
    ],
    ids=["unknown kind", "open quote", "unknown key", "empty"],
)
def test_bad_yaml_is_refused_with_line_and_column(page: Client, text: str, line: int, column: int, detail: str) -> None:
    answer = post(page, CONVERT, {"yaml": text})

    assert answer.status_code == 422
    places = [(error["line"], error["column"]) for error in answer.json()["errors"] if detail in error["detail"]]
    assert (line, column) in places


def test_unknown_slugs_are_told_beside_a_definition_that_can_be_shown(page: Client) -> None:
    text = "title: T\ndataset: nope\nsteps:\n  - {name: A, kind: http, point: gone, with: {url: x}}\n"

    answer = post(page, CONVERT, {"yaml": text}).json()

    assert answer["definition"]["title"] == "T"
    assert [(e["field"], e["line"]) for e in answer["errors"]] == [("steps[0].point", 4), ("dataset", 2)]


@pytest.mark.parametrize(
    "definition",
    [
        None,
        [],
        "x",
        {"steps": [None]},
        {"steps": [{"kind": "http", "expect": [None], "retry": {}}]},
    ],
    ids=repr,
)
def test_what_has_no_yaml_at_all_is_refused(page: Client, definition: Any) -> None:
    answer = post(page, CONVERT, {"definition": definition})

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_half_a_character_is_no_json_that_is_taken(page: Client) -> None:
    assert post(page, CONVERT, {"definition": {"title": "\ud800"}}).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"[" * 100_000, b'{"yaml": 7}'], ids=lambda b: str(b[:8]))
def test_a_body_that_is_no_request_is_refused(page: Client, body: bytes) -> None:
    answer = page.post(CONVERT, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_numbers_beyond_a_browsers_keep_the_case_in_its_yaml(page: Client) -> None:
    text = "title: T\nsteps:\n  - {name: A, kind: http, with: {url: x, json: {id: 9007199254740993}}}\n"

    answer = post(page, CONVERT, {"yaml": text}).json()

    assert answer["form"] is False
    assert answer["definition"]["steps"][0]["with"]["json"]["id"] == 9007199254740993


def test_the_page_holds_the_case_and_what_can_be_chosen(
    page: Client, system: System, suite: TestSuite, make_case: Make
) -> None:
    Dataset.objects.create(system=system, name="Orders", slug="orders", columns=["sku"])
    case = make_case("On the page")

    answer = page.get(f"/s/shop/cases/{case.number}/edit/")

    assert answer.status_code == 200
    data = answer.context["data"]
    assert data["case"]["definition"]["title"] == "On the page"
    assert data["case"]["based_on"] == 1
    assert [kind["name"] for kind in data["format"]["kinds"]] == [kind.name for kind in kinds()]
    assert data["choices"]["datasets"][0]["slug"] == "orders"
    assert len(answer.content) < 150_000


def test_without_a_suite_the_page_asks_for_one_and_loads_no_editor(page: Client) -> None:
    html = page.get("/s/shop/cases/new/").content.decode()

    assert "/s/shop/suites/new/" in html
    assert "editor/main.js" not in html  # it would break on the data that is not there


def test_a_case_is_saved_from_the_form(page: Client, system: System, suite: TestSuite, tester: User) -> None:
    body = {"definition": EVERYTHING, "suite": suite.pk, "status": "draft", "workflow": "", "message": "  New\n one "}

    answer = post(page, "/s/shop/cases/new/", body)

    assert answer.status_code == 200, answer.content
    assert answer.json()["url"] == "/s/shop/cases/1/"
    case = system.cases.get()
    assert (case.status, case.mode, case.current.message) == ("draft", "mixed", "New one")
    assert case.current.definition == normalise(EVERYTHING)


def test_a_case_is_saved_from_yaml_and_refused_with_line_and_column(
    page: Client, system: System, suite: TestSuite
) -> None:
    good = "title: T\nsteps:\n  - {name: A, kind: http, with: {url: x}}\n"
    assert post(page, "/s/shop/cases/new/", {"yaml": good, "suite": suite.pk}).status_code == 200

    answer = post(page, "/s/shop/cases/1/edit/", {"yaml": good + "points: [gone]\n", "suite": suite.pk, "based_on": 1})

    assert answer.status_code == 422
    assert (answer.json()["errors"][0]["line"], answer.json()["errors"][0]["column"]) == (4, 10)
    assert system.cases.get().revisions.count() == 1


def test_a_conflict_shows_both_changes_and_can_be_saved_over(
    page: Client, system: System, suite: TestSuite, lead: User, make_case: Make
) -> None:
    case = make_case("Original")
    assert case.current is not None
    base = case.current.definition
    services.save_case(system, suite, {**base, "title": "Theirs"}, lead, "Clearer", case)
    mine = {"definition": {**base, "priority": "high"}, "suite": suite.pk, "based_on": 1}

    refused = post(page, f"/s/shop/cases/{case.number}/edit/", mine)

    assert refused.status_code == 409
    problem = refused.json()
    assert "Lena" in problem["detail"]
    assert "+title: Theirs" in problem["theirs"]
    assert "+priority: high" in problem["yours"]
    over = post(page, f"/s/shop/cases/{case.number}/edit/", mine | {"based_on": problem["current"]})
    assert over.status_code == 200
    case.refresh_from_db()
    assert (case.title, case.revisions.count()) == ("Original", 3)


@pytest.mark.parametrize(
    ("field", "value"),
    [("suite", None), ("suite", 10**30), ("suite", "x"), ("status", "odd"), ("workflow", "nope"), ("based_on", "1")],
    ids=str,
)
def test_odd_settings_are_refused_at_their_field(
    page: Client, suite: TestSuite, field: str, value: Any, system: System
) -> None:
    body = {"definition": EVERYTHING, "suite": suite.pk, field: value}

    answer = post(page, "/s/shop/cases/new/", body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert not system.cases.exists()


def test_a_suite_of_another_system_cannot_be_named(page: Client, outsider: User, system: System) -> None:
    theirs = TestSuite.objects.create(system=System.objects.get(slug="other"), name="Theirs")

    answer = post(page, "/s/shop/cases/new/", {"definition": EVERYTHING, "suite": theirs.pk})

    assert answer.json()["errors"][0]["field"] == "suite"


def test_viewers_and_outsiders_do_not_edit(
    sign_in: Callable[[User], Client], viewer: User, outsider: User, make_case: Make
) -> None:
    case = make_case()
    for path in ("/s/shop/cases/new/", f"/s/shop/cases/{case.number}/edit/", CONVERT):
        assert post(sign_in(viewer), path, {}).status_code == 403
        assert post(sign_in(outsider), path, {}).status_code == 404
