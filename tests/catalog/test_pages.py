"""Pages that change suites, cases and plans."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import TestCase, TestPlan, TestSuite
from apps.systems.models import System

Make = Callable[..., TestCase]
GOOD = "title: Imported\nsteps:\n  - {name: Ask, kind: http, with: {url: 'http://shop'}}\n"


@pytest.fixture
def page(sign_in: Callable[[User], Client], lead: User) -> Client:
    return sign_in(lead)


def test_a_suite_is_made_below_another_and_shown(page: Client, suite: TestSuite) -> None:
    answer = page.post("/s/shop/suites/new/", {"name": "Payment", "parent": suite.pk, "description": ""})

    made = TestSuite.objects.get(name="Payment")
    assert made.parent == suite
    assert answer.headers["Location"] == f"/s/shop/cases/?suite={made.pk}"


def test_a_suite_cannot_be_moved_below_itself(page: Client, system: System, suite: TestSuite, lead: User) -> None:
    inner = services.save_suite(system, by=lead, parent=suite, name="Inner")

    answer = page.post(f"/s/shop/suites/{suite.pk}/", {"name": "Typed", "parent": inner.pk, "description": ""})

    assert answer.status_code == 400
    assert "A suite cannot stand below itself." in answer.content.decode()
    assert 'value="Typed"' in answer.content.decode()


def test_a_suite_that_is_not_empty_stays(page: Client, suite: TestSuite, make_case: Make) -> None:
    make_case()

    assert page.post(f"/s/shop/suites/{suite.pk}/remove/").status_code == 409
    assert TestSuite.objects.filter(pk=suite.pk).exists()


def test_a_plan_says_how_its_runs_go(page: Client, make_case: Make) -> None:
    make_case("One")
    data = {"name": "Nightly", "everything": "on", "retries": "2", "priority": "urgent", "time_limit": "600"}

    assert page.post("/s/shop/plans/new/", data).headers["Location"] == "/s/shop/plans/nightly/"
    shown = page.get("/s/shop/plans/nightly/").content.decode()

    for words in ("2 further attempts", "Before others", "at most 600 s"):
        assert words in shown
    refused = page.post("/s/shop/plans/new/", data | {"name": "Other", "retries": "6"})
    assert refused.status_code == 400
    assert "less than or equal to 5" in refused.content.decode()


def test_a_plan_takes_suites_tags_and_numbers(page: Client, suite: TestSuite, make_case: Make) -> None:
    make_case("One")
    data = {"name": "Nightly", "suites": [suite.pk], "tags": "smoke, slow", "cases": "c1", "description": ""}

    answer = page.post("/s/shop/plans/new/", data)

    assert answer.headers["Location"] == "/s/shop/plans/nightly/"
    plan = TestPlan.objects.get()
    assert (plan.tags, [case.number for case in plan.cases.all()]) == (["smoke", "slow"], [1])
    shown = page.get("/s/shop/plans/nightly/edit/").content.decode()
    assert 'value="C1"' in shown
    assert 'value="smoke, slow"' in shown


@pytest.mark.parametrize("numbers", ["C99", "abc", "C1, x", "99999999999999999999"])
def test_a_plan_with_unknown_cases_is_refused_and_keeps_what_was_typed(
    page: Client, system: System, make_case: Make, numbers: str
) -> None:
    make_case()

    answer = page.post("/s/shop/plans/new/", {"name": "Nightly", "cases": numbers})

    assert answer.status_code == 400
    assert "No such case" in answer.content.decode()
    assert f'value="{numbers}"' in answer.content.decode()
    assert not system.plans.exists()


def test_a_plan_is_removed(page: Client, system: System, lead: User) -> None:
    services.save_plan(system, by=lead, name="Old")

    page.post("/s/shop/plans/old/remove/")

    assert not system.plans.exists()


def test_many_cases_are_changed_and_the_list_comes_back_as_it_was(page: Client, make_case: Make) -> None:
    cases = [make_case("One"), make_case("Two")]
    data = {"case": [1, 2], "add": "smoke", "priority": "high", "next": "/s/shop/cases/?q=o"}

    answer = page.post("/s/shop/cases/bulk/", data)

    assert answer.headers["Location"] == "/s/shop/cases/?q=o"
    for case in cases:
        case.refresh_from_db()
        assert (case.tags, case.priority) == (["smoke"], TestCase.Priority.HIGH)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"case": [1]},
        {"case": [99], "status": "archived"},
        {"case": ["x"], "status": "archived"},
        {"case": [1], "priority": "odd"},
    ],
    ids=str,
)
def test_a_bulk_change_that_makes_no_sense_changes_nothing(
    page: Client, make_case: Make, data: dict[str, object]
) -> None:
    case = make_case()

    assert page.post("/s/shop/cases/bulk/", data).status_code in {400, 422}

    case.refresh_from_db()
    assert (case.status, case.revisions.count()) == ("active", 1)


def test_bulk_does_not_lead_elsewhere(page: Client, make_case: Make) -> None:
    make_case()

    answer = page.post("/s/shop/cases/bulk/", {"case": [1], "status": "archived", "next": "https://evil.test/"})

    assert answer.headers["Location"] == "/s/shop/cases/"


def test_a_case_is_archived_restored_copied_and_taken_back(page: Client, system: System, make_case: Make) -> None:
    case = make_case("Original")

    page.post("/s/shop/cases/1/status/", {"status": "archived"})
    case.refresh_from_db()
    assert case.status == "archived"
    page.post("/s/shop/cases/1/status/", {"status": "active"})
    copy = page.post("/s/shop/cases/1/duplicate/")
    assert copy.headers["Location"] == "/s/shop/cases/2/edit/"
    services.save_case(system, case.suite, {**case.current.definition, "title": "Worse"}, None, case=case)  # type: ignore[union-attr]
    page.post("/s/shop/cases/1/revisions/1/")
    case.refresh_from_db()
    assert case.title == "Original"
    assert page.post("/s/shop/cases/1/status/", {"status": "odd"}).status_code == 422


def test_text_and_files_are_imported_together(page: Client, system: System, suite: TestSuite) -> None:
    files = [SimpleUploadedFile("a.yaml", GOOD.encode()), SimpleUploadedFile("b.yaml", b"\xef\xbb\xbf" + GOOD.encode())]

    answer = page.post("/s/shop/cases/import/", {"suite": suite.pk, "yaml": GOOD, "uploads": files})

    assert answer.status_code == 302
    assert system.cases.count() == 3


def test_a_bad_import_names_file_line_and_column_and_keeps_the_text(
    page: Client, system: System, suite: TestSuite
) -> None:
    bad = SimpleUploadedFile("bad.yaml", GOOD.replace("http,", "htpp,").encode())

    answer = page.post("/s/shop/cases/import/", {"suite": suite.pk, "yaml": GOOD, "uploads": [bad]})

    text = answer.content.decode()
    assert answer.status_code == 400
    assert "bad.yaml · line 3, column 17" in text
    assert "unknown step kind “htpp”" in text
    assert "title: Imported" in text
    assert not system.cases.exists()


def test_an_import_that_is_no_text_is_refused(page: Client, system: System, suite: TestSuite) -> None:
    answer = page.post(
        "/s/shop/cases/import/", {"suite": suite.pk, "uploads": [SimpleUploadedFile("a.yaml", b"\xff\xfe\x00")]}
    )

    assert answer.status_code == 400
    assert "a.yaml is not UTF-8 text" in answer.content.decode()
    assert page.post("/s/shop/cases/import/", {"suite": suite.pk}).status_code == 400


def test_exported_cases_can_be_imported(page: Client, system: System, suite: TestSuite, make_case: Make) -> None:
    make_case("One")
    make_case("Two")
    make_case("Old", status="archived")

    everything = b"".join(page.get("/s/shop/cases/export/")).decode()  # type: ignore[arg-type]
    one = b"".join(page.post("/s/shop/cases/export/", {"case": [2]})).decode()  # type: ignore[arg-type]

    assert everything.count("\ntitle:") == 2
    assert "title: Two" in one
    assert "title: One" not in one
    assert page.post("/s/shop/cases/import/", {"suite": suite.pk, "yaml": everything}).status_code == 302
    assert system.cases.count() == 5


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("cases/bulk/", "viewer"),
        ("cases/import/", "viewer"),
        ("cases/1/status/", "viewer"),
        ("cases/1/duplicate/", "viewer"),
        ("cases/1/revisions/1/", "viewer"),
        ("suites/new/", "viewer"),
        ("plans/new/", "tester"),
        ("plans/smoke/edit/", "tester"),
        ("plans/smoke/remove/", "tester"),
    ],
)
def test_who_may_not_change_it_is_refused(
    sign_in: Callable[[User], Client], viewer: User, tester: User, system: System, path: str, role: str
) -> None:
    user = {"viewer": viewer, "tester": tester}[role]

    assert sign_in(user).post(f"/s/shop/{path}").status_code == 403
