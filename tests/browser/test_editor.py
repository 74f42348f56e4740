"""The editor of cases in a real browser: cards and YAML of the same case, by mouse and by keys alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.definition import normalise
from apps.catalog.models import TestCase, TestSuite
from apps.environments.models import DataRow, Dataset, Environment
from apps.systems.models import IntegrationPoint, System
from tests.catalog.definitions import EVERYTHING, HTTP, MANUAL, SQL_NAMED

Visit = Callable[..., Page]
NEW = "/s/shop/cases/new/"


@pytest.fixture
def case(system: System, suite: TestSuite, lead: User) -> TestCase:
    """A case with three steps."""
    return services.save_case(system, suite, {"title": "Three", "steps": [HTTP, SQL_NAMED, MANUAL]}, lead)


def edit(case: TestCase) -> str:
    return f"/s/shop/cases/{case.number}/edit/"


def ready(page: Page) -> Page:
    expect(page.locator("[data-editor][data-ready]")).to_be_visible()
    return page


def names(page: Page) -> list[str]:
    return [field.input_value() for field in page.locator("[data-steps=steps] [data-name]").all()]


def definition(case: TestCase) -> Any:
    case.refresh_from_db()
    assert case.current is not None
    return case.current.definition


def test_a_case_with_everything_passes_through_the_form_unchanged(
    visit: Visit, tester: User, system: System, suite: TestSuite, lead: User
) -> None:
    case = services.save_case(system, suite, EVERYTHING, lead)
    page = ready(visit(edit(case), tester))
    kept = definition(case)

    page.locator("[data-save]").click()
    page.wait_for_url(f"**/cases/{case.number}/")

    assert case.revisions.count() == 1, json.dumps([kept, definition(case)])
    page.goto(edit(case))
    ready(page)
    page.locator("[data-unfold-all]").click()
    for control in page.locator("[data-steps] textarea, [data-steps] input:not([type=radio], [type=checkbox])").all():
        control.dispatch_event("input")
    page.get_by_role("tab", name="YAML").click()
    expect(page.locator("[data-yaml]")).to_be_visible()
    page.get_by_role("tab", name="Form").click()
    expect(page.locator("[data-pane=form]")).to_be_visible()
    expect(page.locator("[data-dirty-mark]")).to_be_hidden()
    page.locator("[data-save]").click()
    page.wait_for_url(f"**/cases/{case.number}/")
    assert case.revisions.count() == 1


def test_the_choice_of_a_kind_shows_the_keys_that_it_takes(visit: Visit, tester: User, suite: TestSuite) -> None:
    page = ready(visit(NEW, tester))
    page.locator("[data-name]").focus()
    page.keyboard.press("Alt+n")
    picker = page.locator("#kind-picker")

    assert picker.locator("kbd:visible").all_inner_texts() == [str(number) for number in range(1, 10)]
    page.keyboard.press("r")
    expect(picker.locator("button[value=redis]")).to_be_focused()
    page.keyboard.press("r")
    expect(picker.locator("button[value=receive]")).to_be_focused()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("[data-card]").nth(1)).to_contain_text("At the same time")
    expect(page.locator("[data-name]").nth(0)).to_have_css("text-overflow", "ellipsis")


def test_a_case_is_made_by_keys_alone(
    visit: Visit, tester: User, system: System, suite: TestSuite, point: IntegrationPoint
) -> None:
    page = ready(visit(NEW, tester))
    keys = page.keyboard

    page.locator("#case-title").focus()
    keys.type("Made by keys")
    page.locator("[data-name]").focus()
    keys.type("Ask the shop")
    keys.press("Alt+n")
    expect(page.locator("#kind-picker")).to_be_visible()
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.locator("[data-name]").nth(1)).to_be_focused()
    keys.type("Look into the database")
    keys.press("Alt+ArrowUp")
    assert names(page) == ["Look into the database", "Ask the shop"]
    expect(page.locator("[data-name]").nth(0)).to_be_focused()
    expect(page.locator("[data-announce]")).to_have_text("Step 1 of 2")
    page.get_by_label("Database URL").focus()
    keys.type("{{ DB }}")
    page.get_by_label("Statement").focus()
    keys.type("SELECT 1")
    page.get_by_label("URL", exact=True).focus()
    keys.type("{{ SHOP }}/health")
    keys.press("Control+s")
    page.wait_for_url("**/cases/1/")

    assert definition(system.cases.get()) == {
        "title": "Made by keys",
        "steps": [
            {"name": "Look into the database", "kind": "sql", "with": {"url": "{{ DB }}", "query": "SELECT 1"}},
            {"name": "Ask the shop", "kind": "http", "with": {"url": "{{ SHOP }}/health"}},
        ],
    }


def test_checks_and_captures_are_added_with_the_right_types(
    visit: Visit, tester: User, system: System, suite: TestSuite
) -> None:
    page = ready(visit(NEW, tester))
    page.locator("#case-title").fill("Checked")
    page.locator("[data-name]").fill("Ask")
    page.get_by_label("URL", exact=True).fill("http://shop")
    page.locator("[data-add-check]").click()
    check = page.locator(".ed-check")
    check.get_by_label("What is checked").select_option("status")
    check.get_by_label("Value").fill("201")
    page.locator("[data-add-check]").click()
    second = page.locator(".ed-check").nth(1)
    second.get_by_label("Where in it").fill("$.id")
    second.get_by_label("How it is compared").select_option("type")
    second.get_by_label("Value").select_option("string")
    second.locator("[data-not]").check()
    page.locator("[data-add-capture]").click()
    page.locator("[data-capture-name]").fill("order_id")
    page.locator(".ed-capture [data-at]").fill("$.id")
    page.get_by_role("button", name="Add Headers").click()
    page.get_by_label("Name", exact=True).first.fill("X-Id")
    page.locator(".ed-pair textarea").fill('"7"')
    page.get_by_role("radio", name="JSON body").check()
    page.locator(".ed-type-json textarea").fill('{"b": 1, "a": "{{ sku }}"}')
    page.locator("[data-save]").click()
    page.wait_for_url("**/cases/1/")

    step = definition(system.cases.get())["steps"][0]
    assert step["expect"] == [
        {"check": "status", "equals": 201},
        {"check": "json", "at": "$.id", "type": "string", "not": True},
    ]
    assert step["capture"] == {"order_id": {"from": "json", "at": "$.id"}}
    assert step["with"]["headers"] == {"X-Id": "7"}
    assert list(step["with"]["json"].items()) == [("b", 1), ("a", "{{ sku }}")]


def test_steps_are_dragged_copied_folded_and_removed(visit: Visit, tester: User, case: TestCase) -> None:
    page = ready(visit(edit(case), tester))
    page.locator("[data-fold-all]").click()
    cards = page.locator("[data-steps=steps] [data-card]")

    cards.nth(2).locator(".step-grip").drag_to(cards.nth(0), target_position={"x": 60, "y": 4})
    assert names(page) == ["Look", "Place the order", "By name"]
    cards.nth(2).get_by_role("button", name="Duplicate").click()
    assert names(page) == ["Look", "Place the order", "By name", "By name"]
    cards.nth(1).get_by_role("button", name="Remove", exact=True).first.click()
    assert names(page) == ["Look", "By name", "By name"]
    expect(page.locator("[data-dirty-mark]")).to_be_visible()
    page.locator("[data-save]").click()
    page.wait_for_url(f"**/cases/{case.number}/")

    assert [step["name"] for step in definition(case)["steps"]] == ["Look", "By name", "By name"]


def test_a_manual_step_cannot_be_dragged_to_the_teardown(visit: Visit, tester: User, case: TestCase) -> None:
    page = ready(visit(edit(case), tester))
    page.locator("[data-fold-all]").click()
    page.locator("[data-teardown] > summary").click()
    cards = page.locator("[data-steps=steps] [data-card]")

    cards.nth(2).locator(".step-grip").drag_to(page.locator("[data-teardown] .steps-add"))

    assert names(page) == ["Place the order", "By name", "Look"]


def test_errors_stand_at_the_card_and_field_they_belong_to(
    visit: Visit, tester: User, case: TestCase, console: Any
) -> None:
    console.allow("422")
    page = ready(visit(edit(case), tester))
    page.locator("[data-fold-all]").click()
    second = page.locator("[data-card]").nth(1)
    page.locator("[data-unfold-all]").click()
    second.get_by_label("Statement").fill("")
    page.locator(".ed-check [data-at]").nth(2).fill("$[")
    page.locator("[data-fold-all]").click()
    page.locator("[data-save]").click()

    expect(page.locator("[data-problems-title]")).to_contain_text("problems")
    expect(second.locator(".ed-type-code .ed-error")).to_contain_text("empty")
    expect(second.get_by_label("Statement")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-card]").nth(0)).to_have_class("step-card step-edit has-problem")
    assert case.revisions.count() == 1


def test_json_that_cannot_be_read_is_said_before_anything_is_sent(visit: Visit, tester: User, case: TestCase) -> None:
    page = ready(visit(edit(case), tester))
    page.locator(".ed-type-json textarea").first.fill('{"a": ')

    page.locator("[data-save]").click()
    expect(page.locator(".ed-type-json .ed-error")).to_contain_text("Not valid JSON")
    page.get_by_role("tab", name="YAML").click()
    expect(page.locator("[data-pane=form]")).to_be_visible()
    expect(page.locator(".ed-type-json textarea").first).to_have_value('{"a": ')


def test_bad_yaml_shows_line_and_column_beside_the_text(
    visit: Visit, tester: User, case: TestCase, console: Any
) -> None:
    console.allow("422")
    page = ready(visit(edit(case), tester))
    page.get_by_role("tab", name="YAML").click()
    text = page.locator("[data-yaml]")
    expect(text).to_be_visible()
    text.fill("title: T\nsteps:\n  - name: A\n    kind: htpp\n")

    expect(page.locator("[data-yaml-problems]")).to_contain_text("unknown step kind “htpp”")
    place = page.get_by_role("button", name="line 4, column 5")
    expect(page.locator("[data-yaml-lines] > .is-bad")).to_have_text("4")
    place.click()
    assert text.evaluate("area => area.value.slice(area.selectionStart)") == "kind: htpp\n"
    page.get_by_role("tab", name="Form").click()
    expect(text).to_be_visible()
    text.fill("title: Fixed\nsteps:\n  - name: A\n    kind: http\n    with: {url: 'http://shop'}\n")
    expect(page.locator("[data-yaml-status]")).to_have_text("Valid")
    page.get_by_role("tab", name="Form").click()
    expect(page.locator("#case-title")).to_have_value("Fixed")
    page.locator("[data-save]").click()
    page.wait_for_url(f"**/cases/{case.number}/")

    assert definition(case)["title"] == "Fixed"


def test_yaml_is_saved_as_it_stands(visit: Visit, tester: User, case: TestCase) -> None:
    page = ready(visit(edit(case), tester))
    page.get_by_role("tab", name="YAML").click()
    page.locator("[data-yaml]").fill("title: As text\nsteps:\n  - {name: A, kind: http, with: {url: 'http://shop'}}\n")
    page.locator("#case-message").fill("Written by hand")
    page.keyboard.press("Control+s")
    page.wait_for_url(f"**/cases/{case.number}/")

    assert definition(case)["title"] == "As text"
    assert case.current is not None
    assert case.current.message == "Written by hand"


def test_a_conflict_shows_both_changes_and_keeps_what_was_typed(
    visit: Visit, tester: User, lead: User, case: TestCase, console: Any
) -> None:
    console.allow("409")
    page = ready(visit(edit(case), tester))
    page.locator("#case-title").fill("Mine")
    services.save_case(case.system, case.suite, {**definition(case), "title": "Theirs"}, lead, case=case)
    page.locator("[data-save]").click()

    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("Lena saved revision 2")
    expect(conflict.locator("[data-theirs] ins")).to_have_text("title: Theirs")
    expect(conflict.locator("[data-yours] ins")).to_have_text("title: Mine")
    expect(page.locator("#case-title")).to_have_value("Mine")
    page.get_by_role("button", name="Save mine over it").click()
    page.wait_for_url(f"**/cases/{case.number}/")

    assert definition(case)["title"] == "Mine"
    assert case.revisions.count() == 3


def test_leaving_with_changes_asks_first(visit: Visit, tester: User, case: TestCase) -> None:
    page = ready(visit(edit(case), tester))
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.locator("#case-title").fill("Changed")

    page.get_by_role("link", name="Cancel").click()
    page.wait_for_timeout(300)

    assert asked == ["beforeunload"]
    expect(page.locator("#case-title")).to_have_value("Changed")


def test_a_case_that_the_form_cannot_hold_opens_as_yaml(
    visit: Visit, tester: User, system: System, suite: TestSuite, lead: User
) -> None:
    huge = {"name": "A", "kind": "http", "with": {"url": "http://s", "json": {"id": 9007199254740993}}}
    case = services.save_case(system, suite, {"title": "Huge", "steps": [huge]}, lead)
    page = ready(visit(edit(case), tester))

    expect(page.locator("[data-yaml]")).to_be_visible()
    page.locator("#case-message").fill("nothing")
    page.locator("[data-save]").click()
    page.wait_for_url(f"**/cases/{case.number}/")

    assert definition(case) == normalise({"title": "Huge", "steps": [huge]})


def test_the_editor_is_accessible_and_fits(
    visit: Visit,
    shoot: Callable[[Page, str], None],
    axe: Callable[..., None],
    tester: User,
    system: System,
    suite: TestSuite,
    environment: Environment,
    lead: User,
) -> None:
    orders = Dataset.objects.create(system=system, name="Orders", slug="orders", columns=["sku"])
    DataRow.objects.create(dataset=orders, position=1, label="one cup", values={"sku": "CUP-1"})
    everything = services.save_case(system, suite, {**EVERYTHING, "dataset": "orders"}, lead)
    few = services.save_case(system, suite, {"title": "Two", "dataset": "orders", "steps": [HTTP, MANUAL]}, lead)
    page = ready(visit(edit(everything), tester))

    axe(page)
    shoot(page, "editor-folded")
    page.locator("[data-unfold-all]").click()
    axe(page)
    page.goto(edit(few))
    shoot(ready(page), "editor-form")
    page.get_by_role("tab", name="YAML").click()
    expect(page.locator("[data-yaml]")).to_be_visible()
    axe(page)
    shoot(page, "editor-yaml")
