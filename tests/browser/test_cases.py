"""The list of cases in a real browser: the panel beside it, keys, filters while typing, several cases at once."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import TestCase, TestSuite
from apps.environments.models import Environment
from apps.systems.models import System

Visit = Callable[..., Page]
Shoot = Callable[[Page, str], None]
Axe = Callable[..., None]
LIST = "/s/shop/cases/"


@pytest.fixture
def cases(suite: TestSuite, environment: Environment, lead: User, make_case: Callable[..., TestCase]) -> list[TestCase]:
    inner = services.save_suite(suite.system, by=lead, parent=suite, name="Inner")
    made = [make_case(f"Case {word}", tags=["smoke"]) for word in ("one", "two", "three")]
    services.move_case(made[2], inner, by=lead)
    return made


def test_a_case_opens_beside_the_list_and_stays_in_the_address(
    visit: Visit, tester: User, cases: list[TestCase]
) -> None:
    page = visit(LIST, tester)
    panel = page.locator("#case-panel")

    page.get_by_role("link", name="Case two").click()
    expect(panel.get_by_role("heading", name="Case two")).to_be_visible()
    assert "case=2" in page.url
    page.keyboard.press("k")
    expect(panel.get_by_role("heading", name="Case one")).to_be_visible()
    page.reload()
    expect(panel.get_by_role("heading", name="Case one")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert "case=" not in page.url
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(panel.get_by_role("heading", name="Case two")).to_be_visible()
    page.keyboard.press("o")
    page.wait_for_url("**/cases/2/")


def test_on_a_narrow_screen_the_link_leads_to_the_case(visit: Visit, tester: User, cases: list[TestCase]) -> None:
    page = visit(LIST, tester, width=390)

    page.get_by_role("link", name="Case two").click()

    page.wait_for_url("**/cases/2/")


def test_filtering_while_typing_keeps_focus_and_address(visit: Visit, tester: User, cases: list[TestCase]) -> None:
    page = visit(LIST, tester)
    page.keyboard.press("/")
    page.keyboard.type("thr")
    expect(page.locator("tr[data-case]")).to_have_count(1)
    page.keyboard.type("ee")

    expect(page.locator("#case-find")).to_be_focused()
    expect(page.locator("#case-find")).to_have_value("three")
    page.wait_for_url("**q=three*")
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("tr[data-case]")).to_have_count(3)
    page.get_by_role("link", name="Inner").click()
    expect(page.locator("tr[data-case]")).to_have_count(1)
    page.go_back()
    expect(page.locator("tr[data-case]")).to_have_count(3)


def test_what_is_typed_while_the_answer_is_on_its_way_is_kept(
    visit: Visit, tester: User, cases: list[TestCase]
) -> None:
    page = visit(LIST, tester)
    held: list[Route] = []
    page.route("**/cases/?q=thr", lambda route: held.append(route))
    page.keyboard.press("/")
    with page.expect_request("**/cases/?q=thr"):
        page.keyboard.type("thr")
    page.keyboard.type("ee")
    held[0].continue_()

    page.wait_for_url("**q=three*")
    expect(page.locator("#case-find")).to_have_value("three")
    expect(page.locator("tr[data-case]")).to_have_count(1)


def test_several_cases_are_tagged_and_run_at_once(
    visit: Visit, tester: User, system: System, cases: list[TestCase]
) -> None:
    page = visit(LIST, tester)
    bar = page.locator("[data-bulk]")
    expect(bar).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(bar).to_contain_text("1 chosen")
    page.get_by_label("Choose all cases of this page").check()
    expect(bar).to_contain_text("3 chosen")
    bar.get_by_role("button", name="Tags").click()
    bar.get_by_label("Add").fill("nightly")
    bar.get_by_role("button", name="Change tags").click()
    expect(page.get_by_text("3 cases changed.")).to_be_visible()
    assert all("nightly" in case.tags for case in system.cases.all())

    page.locator("tr[data-case='1'] input").check()
    page.locator("tr[data-case='3'] input").check()
    bar.get_by_role("button", name="Run").click()
    page.wait_for_url("**/runs/1/")
    assert sorted(system.runs.get().executions.values_list("case__number", flat=True)) == [1, 3]


def test_one_case_is_run_from_its_row(visit: Visit, tester: User, system: System, cases: list[TestCase]) -> None:
    page = visit(LIST, tester)

    page.get_by_role("button", name="Run C2 in Local").click()

    page.wait_for_url("**/runs/1/")
    assert system.runs.get().executions.get().case == cases[1]


def test_the_pages_are_accessible_and_fit(
    visit: Visit, shoot: Shoot, axe: Axe, lead: User, system: System, cases: list[TestCase]
) -> None:
    services.save_plan(system, by=lead, name="Smoke", tags=["smoke"], description="What must work first.")
    page = visit(LIST, lead)
    page.locator("tr[data-case='1'] input").check()
    axe(page)
    shoot(page, "cases")
    for path, name in (
        ("cases/?case=1", "cases-panel"),
        ("cases/1/", "case"),
        ("cases/1/?tab=history", "case-history"),
        ("plans/", "plans"),
        ("plans/smoke/", "plan"),
        ("plans/smoke/edit/", "plan-form"),
        ("cases/import/", "cases-import"),
    ):
        page.goto(f"/s/shop/{path}")
        axe(page)
        shoot(page, name)
