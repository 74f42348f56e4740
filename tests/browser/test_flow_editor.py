"""Steps inside steps, conditions, groups of checks and shared steps in the editor."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import TestSuite
from apps.systems.models import IntegrationPoint, System

Visit = Callable[..., Page]


def ready(page: Page) -> Page:
    expect(page.locator("[data-editor][data-ready]")).to_be_visible()
    return page


def pick(page: Page, kind: str) -> None:
    page.locator(f"#kind-picker button[value={kind}]").click()


def definition(system: System) -> Any:
    current = system.cases.get().current
    assert current is not None
    return current.definition


def test_a_repeat_with_a_step_a_condition_and_a_group_of_checks_is_made(
    visit: Visit, tester: User, system: System, suite: TestSuite, point: IntegrationPoint
) -> None:
    page = ready(visit("/s/shop/cases/new/", tester))
    page.locator("#case-title").fill("Looping")
    page.get_by_role("button", name="Remove", exact=True).first.click()
    page.locator("[data-add-step=steps]").click()
    pick(page, "repeat")
    outer = page.locator("[data-steps=steps] > [data-card]")
    outer.locator("[data-name]").first.fill("Three times")
    outer.get_by_label("Integration point").first.select_option(point.slug)
    outer.get_by_role("textbox", name="Times").fill("3")
    outer.get_by_role("button", name="Add a step").click()
    pick(page, "http")
    inner = outer.locator("[data-card]")
    inner.locator("[data-name]").fill("Ask")
    inner.get_by_label("URL", exact=True).fill("http://shop/{{ item }}")
    inner.locator("[data-when]").fill("item > 1")
    inner.locator("[data-add-group]").click()
    group = inner.locator(".ed-check-group")
    group.get_by_label("What is checked").select_option("status")
    group.get_by_label("Value").fill("201")
    inner.get_by_role("button", name="Duplicate").click()
    expect(outer.locator("[data-card]")).to_have_count(2)
    outer.locator("[data-card]").nth(1).get_by_role("button", name="Remove", exact=True).click()
    page.locator("[data-save]").click()
    page.wait_for_url("**/cases/1/")

    ask = {
        "name": "Ask",
        "kind": "http",
        "when": "item > 1",
        "with": {"url": "http://shop/{{ item }}"},
        "expect": [{"any": [{"check": "status", "equals": 201}]}],
    }
    repeat = {"name": "Three times", "kind": "repeat", "point": point.slug, "with": {"times": 3, "steps": [ask]}}
    assert definition(system)["steps"] == [repeat]
    expect(page.locator(".step-inside-words")).to_contain_text("Ask")


def test_a_problem_of_a_step_inside_is_shown_there(
    visit: Visit, tester: User, system: System, suite: TestSuite, console: Any
) -> None:
    console.allow("422")
    page = ready(visit("/s/shop/cases/new/", tester))
    page.locator("#case-title").fill("Wrong inside")
    page.get_by_role("button", name="Remove", exact=True).first.click()
    page.locator("[data-add-step=steps]").click()
    pick(page, "parallel")
    outer = page.locator("[data-steps=steps] > [data-card]")
    outer.locator("[data-name]").first.fill("Together")
    outer.get_by_role("button", name="Add a step").click()
    pick(page, "wait")
    inner = outer.locator("[data-card]")
    inner.locator("[data-name]").fill("Pause")
    page.locator("[data-save]").click()

    expect(inner.locator(".ed-error")).to_contain_text("“seconds”")
    expect(page.locator("[data-problems-title]")).to_have_text("1 problem to solve")


def test_steps_are_shared_out_of_a_case_and_called_with_values(
    visit: Visit, tester: User, system: System, suite: TestSuite, lead: User
) -> None:
    steps = [
        {"name": "One", "kind": "set", "with": {"values": {"order": 7}}},
        {"name": "Two", "kind": "http", "with": {"url": "http://shop/{{ order }}"}, "capture": {"state": "$.state"}},
        {"name": "Three", "kind": "http", "with": {"url": "http://shop/{{ state }}"}},
    ]
    case = services.save_case(system, suite, {"title": "Sharing", "steps": steps}, lead)
    page = ready(visit(f"/s/shop/cases/{case.number}/edit/", tester))
    page.locator("[data-steps=steps] > [data-card]").nth(1).get_by_role("button", name="Share").click()
    page.locator("#share-name").fill("Look at the order")
    page.locator("[data-share-count]").fill("2")
    page.locator("#share-dialog").get_by_role("button", name="Share").click()
    expect(page.locator("[data-steps=steps] > [data-card]")).to_have_count(2)
    page.locator("[data-save]").click()
    page.wait_for_url(f"**/cases/{case.number}/")

    assert definition(system)["steps"][1] == {
        "name": "Look at the order",
        "kind": "call",
        "with": {"step": "look-at-the-order", "arguments": {"order": "{{ order }}"}},
    }
    page.goto("/s/shop/shared-steps/look-at-the-order/edit/")
    ready(page)
    expect(page.locator("[data-parameter-name]")).to_have_value("order")
    page.locator("[data-add-parameter]").click()
    page.locator("[data-parameter-name]").nth(1).fill("realm")
    page.locator("[data-has-default]").nth(1).check()
    page.locator("[data-default]").nth(1).fill("shop")
    page.locator("[data-save]").click()
    page.wait_for_url("**/shared-steps/look-at-the-order/")
    expect(page.locator(".user-list").first).to_contain_text("Sharing")
    current = system.shared_steps.get().current
    assert current is not None
    assert current.definition["parameters"] == {"order": {}, "realm": {"default": "shop"}}
