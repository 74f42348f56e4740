"""The page of a defect and the dashboard in a real browser: what changes, changes without a reload."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.defects import services
from apps.defects.models import Defect, Retest
from apps.environments.models import Environment
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, System
from tests.browser.conftest import Visit
from tests.defects.play import MakeCase, finish, planned, played

Shoot = Callable[[Page, str], None]
Axe = Callable[[Page], None]


@pytest.fixture
def defect(
    environment: Environment, system: System, point: IntegrationPoint, make_case: MakeCase, tester: User, lead: User
) -> Defect:
    """D1, critical, with a discussion, a root cause and two failures."""
    cases = [make_case(title="An order is paid", priority=4), make_case(title="An order is mailed", priority=3)]
    for case in cases:
        case.points.add(point)
    failing = played(environment, cases, "failed").executions.get(position=1)
    found = services.open_defect(failing, system=system, by=tester, owner=tester, severity=4)
    services.comment(found, by=tester, text='Only on **1.1**, @lena:\n\n```json\n{"amount_minor": 1999}\n```')
    services.set_root_cause(found, category="contract", explanation="Payments renamed a field.", by=lead)
    ComponentVersion.objects.create(component=Component.objects.get(slug="orders"), name="1.2")
    return found


def test_a_defect_goes_from_open_to_verified_by_hand(
    visit: Visit, shoot: Shoot, axe: Axe, defect: Defect, tester: User
) -> None:
    page = visit("/s/shop/defects/1/", tester)
    axe(page)
    shoot(page, "defect-open")

    page.get_by_role("button", name="Start work").click()
    expect(page.locator("#defect-lead")).to_contain_text("In progress")

    page.get_by_role("button", name="Mark as fixed").click()
    page.get_by_label("Fixed in version").select_option(label="Orders 1.2")
    page.locator("#fix-modal").get_by_role("button", name="Mark as fixed").click()
    expect(page.locator("#defect-lead")).to_contain_text("Fixed")
    expect(page.locator(".band")).to_contain_text("Not shown to be solved")

    page.get_by_role("button", name="Retest", exact=True).click()
    expect(page.locator(".band")).to_contain_text("Retest running")
    page.locator("#comment").fill("Half a sent")
    axe(page)
    shoot(page, "defect-retest-running")

    finish(Retest.objects.get().run, "passed")

    expect(page.locator("#defect-lead")).to_contain_text("Verified")
    expect(page.locator("#evidence")).to_contain_text("Retest passed")
    expect(page.get_by_role("link", name="Retest running")).to_have_count(0)
    assert page.locator("#comment").input_value() == "Half a sent"
    axe(page)
    shoot(page, "defect-verified")


def test_a_retest_that_fails_opens_it_again_before_the_readers_eyes(visit: Visit, defect: Defect, tester: User) -> None:
    services.mark_fixed(defect, by=tester)
    retest = services.retest(defect, by=tester)
    page = visit("/s/shop/defects/1/", tester)
    expect(page.locator(".band")).to_contain_text("0 / 2")

    finish(retest.run, "passed", only=1)
    expect(page.locator(".band")).to_contain_text("1 / 2")
    finish(retest.run, "failed")

    expect(page.locator("#defect-lead")).to_contain_text("Reopened")
    expect(page.locator("#evidence [data-evidence=failed]")).to_contain_text("Retest failed")
    expect(page.get_by_role("button", name="Start work")).to_be_visible()


def test_what_others_do_appears_without_a_reload_while_one_writes(
    visit: Visit, defect: Defect, tester: User, lead: User
) -> None:
    page = visit("/s/shop/defects/1/", tester)
    page.locator("#comment").fill("Half a sent")

    services.comment(defect, by=lead, text="It was **me**.")
    expect(page.locator(".talk-comment").last).to_contain_text("It was me.")
    services.assign(defect, lead, by=lead)
    expect(page.locator("#owner")).to_have_value(str(lead.pk))
    services.mark_fixed(defect, by=lead)
    expect(page.locator("#defect-lead")).to_contain_text("Fixed")
    retest = services.retest(defect, by=lead)
    expect(page.locator(".band")).to_contain_text("0 / 2")
    finish(retest.run, "passed")
    expect(page.locator("#defect-lead")).to_contain_text("Verified")

    assert page.locator("#comment").input_value() == "Half a sent"


def test_people_are_offered_after_an_at_sign_and_the_comment_is_kept(
    visit: Visit, defect: Defect, tester: User, lead: User
) -> None:
    page = visit("/s/shop/defects/1/", tester)
    field = page.locator("#comment")
    field.press_sequentially("Could @le")
    expect(page.locator("#mention-list").get_by_role("option", name="Lena")).to_be_visible()
    field.press("Enter")
    field.press_sequentially("look?")
    assert field.input_value() == "Could @lena look?"

    page.reload()
    assert field.input_value() == "Could @lena look?"

    field.press("Control+Enter")
    expect(page.locator(".talk-comment").last).to_contain_text("Could @lena look?")
    assert field.input_value() == ""
    assert lead.mentions.filter(seen_at=None).count() == 2


def test_rejecting_asks_for_a_reason(visit: Visit, defect: Defect, tester: User) -> None:
    page = visit("/s/shop/defects/1/", tester)
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Reject…").click()
    page.get_by_label("Why is it no defect").fill("The field was announced.")
    page.locator("#reject-modal").get_by_role("button", name="Reject").click()

    expect(page.locator("#defect-lead")).to_contain_text("Rejected")
    expect(page.locator(".talk")).to_contain_text("The field was announced.")


def test_the_list_filters_as_one_types_and_keeps_it_in_the_address(
    visit: Visit, shoot: Shoot, axe: Axe, defect: Defect, system: System, tester: User
) -> None:
    services.open_defect(None, system=system, by=tester, title="Mail has a typo", severity=1)
    page = visit("/s/shop/defects/", tester)
    expect(page.locator("tbody tr")).to_have_count(2)
    axe(page)
    shoot(page, "defects")

    page.get_by_label("Search defects").fill("typo")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "q=typo" in page.url
    page.get_by_label("Severity").select_option("critical")
    expect(page.locator("#defect-list")).to_contain_text("No defect fits")
    page.get_by_role("link", name="Show all unsolved").click()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_defect_is_made_from_a_failed_execution(
    visit: Visit, shoot: Shoot, axe: Axe, environment: Environment, point: IntegrationPoint, make_case: MakeCase,
    tester: User,
) -> None:  # fmt: skip
    failing = played(environment, [make_case(title="An order is paid")], "failed").executions.get()
    page = visit(f"/s/shop/defects/new/?execution={failing.pk}", tester)
    axe(page)
    shoot(page, "defect-new")

    page.get_by_role("button", name="Open defect").click()

    expect(page.locator("h1")).to_contain_text("D1 Place the order: expected status equals 201, got 500")
    expect(page.locator("#evidence")).to_contain_text("An order is paid")


def test_the_dashboard_follows_a_run_and_its_verdict(
    visit: Visit, shoot: Shoot, axe: Axe, defect: Defect, environment: Environment, make_case: MakeCase, tester: User
) -> None:
    page = visit("/s/shop/", tester)
    verdict = page.locator("[data-environment=local]")
    expect(verdict).to_contain_text("Not ready")
    axe(page)
    shoot(page, "dashboard")

    again = planned(environment, list(system_cases(defect)))
    expect(page.locator("#now")).to_contain_text(f"#{again.number}")
    finish(again, "passed")
    expect(page.locator("#now")).to_contain_text("Nothing is running")
    expect(verdict).to_contain_text("1 serious defect is unsolved")

    finish(services.retest(defect, by=tester).run, "passed")
    expect(verdict).to_contain_text("Ready")
    expect(page.locator("#activity")).to_contain_text("verified this")


def system_cases(defect: Defect) -> list[object]:
    return list(defect.system.cases.order_by("number"))


@pytest.mark.parametrize("path", ["/s/shop/performance/", "/?all"])
def test_the_other_pages_are_sound(
    visit: Visit, shoot: Shoot, axe: Axe, defect: Defect, system: System, tester: User, path: str
) -> None:
    System.objects.create(team=system.team, name="Warehouse", slug="warehouse")
    page = visit(path, tester)
    axe(page)
    shoot(page, "performance" if "performance" in path else "home")


def test_seams_with_long_names_keep_their_change_in_sight_on_a_phone(
    visit: Visit, defect: Defect, system: System, tester: User
) -> None:
    system.points.update(operation="shop.inventory.v1.InventoryOfEverything/GetStockOfEveryWarehouse")
    page = visit("/s/shop/performance/", tester, width=390)

    expect(page.locator(".speed .main-cell").first).to_contain_text("GetStockOfEveryWarehouse")
    hidden = page.locator(".table-box:has(.speed)").evaluate("(box) => box.scrollWidth - box.clientWidth")
    assert hidden == 0


@pytest.mark.parametrize("path", ["/s/shop/", "/s/shop/defects/", "/s/shop/performance/"])
def test_empty_pages_teach(visit: Visit, shoot: Shoot, axe: Axe, system: System, lead: User, path: str) -> None:
    page = visit(path, lead)
    axe(page)
    shoot(page, "empty-" + (path.strip("/").split("/")[-1]))


def test_the_palette_jumps_to_a_defect(visit: Visit, defect: Defect, tester: User) -> None:
    page = visit("/s/shop/", tester)
    page.keyboard.press("Control+k")
    page.keyboard.type("D1")
    expect(page.get_by_role("option").first).to_contain_text("Place the order")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_contain_text("D1")
