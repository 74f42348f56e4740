"""A case is written in the editor: as cards, as YAML, tried before it is saved, and edited after."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.flow.walk import Walk

TITLE = "A blue mug can be bought"
BODY = '{"sku": "mug-blue", "quantity": 1, "email": "flow-{{ uuid() }}@{{ MAIL_DOMAIN }}", "card": "tok_visa"}'


def write_a_case(walk: Walk) -> None:
    """Two steps by form; the first is tried for real before the case is saved."""
    page = walk.go("cases/")
    expect(page.locator("[data-case]")).to_have_count(40)
    walk.look("cases-before")
    page.get_by_role("link", name="New case").click()
    expect(page.locator("[data-editor][data-ready]")).to_be_visible()
    page.get_by_role("textbox", name="Title").fill(TITLE)
    page.get_by_label("Tags").fill("smoke, flow")
    page.get_by_label("Suite").select_option(label="Checkout")
    buy = page.locator(".step-edit").nth(0)
    _buy(buy)
    page.get_by_role("button", name="Add a step").click()
    page.get_by_role("dialog").get_by_role("button", name="HTTP request").click()
    _look_up(page.locator(".step-edit").nth(1))

    buy.get_by_role("button", name="Try").click()
    answer = buy.locator("[data-try-result]")
    expect(answer.locator(".try-head")).to_contain_text("Passed")
    expect(answer).to_contain_text(re.compile(r"authorised|paid"))  # the webhook of payments may be faster
    expect(answer).to_contain_text("flow-")
    walk.look("case-editor")


def _buy(step: Locator) -> None:
    step.get_by_label("Name of the step").fill("Buy a mug")
    step.get_by_label("Integration point").select_option(label="Shopper → Storefront · POST /checkout")
    step.get_by_label("Method").select_option(label="POST")
    step.get_by_label("URL", exact=True).fill("{{ STOREFRONT_URL }}/checkout")
    step.get_by_role("radio", name="JSON body").check()
    step.get_by_label("JSON body").last.fill(BODY)
    _check(step, "Status", "equals", "201")
    _check(step, "Body as JSON", "equals", "950", at="$.total")
    step.get_by_role("button", name="Value", exact=True).click()
    kept = step.locator(".ed-capture").last
    kept.get_by_label("Name").fill("order_id")
    kept.get_by_label("Where in it").fill("$.id")


def _look_up(step: Locator) -> None:
    step.get_by_label("Name of the step").fill("It is paid")
    step.get_by_label("URL", exact=True).fill("{{ STOREFRONT_URL }}/orders/{{ order_id }}")
    _check(step, "Body as JSON", "equals", "paid", at="$.status")
    step.get_by_label("Repeat until the checks pass, for").fill("10")


def _check(step: Locator, subject: str, operator: str, value: str, *, at: str = "") -> None:
    step.get_by_role("button", name="Check", exact=True).click()
    check = step.locator(".ed-check").last
    check.get_by_label("What is checked").select_option(label=subject)
    if at:
        check.get_by_label("Where in it").fill(at)
    check.get_by_label("How it is compared").select_option(label=operator)
    check.get_by_label("Value").fill(value)


def see_it_as_yaml_and_save(walk: Walk) -> None:
    """The same case as YAML; a mistake there is named with its line; saving shows the case."""
    page = walk.page
    page.get_by_role("tab", name="YAML").click()
    yaml = page.get_by_label("The case as YAML")
    expect(yaml).to_have_value(re.compile(r"order_id:.*\$\.id", re.DOTALL))
    written = yaml.input_value()
    yaml.fill(written.replace("kind: http", "kind: htpp", 1))
    expect(page.locator("#yaml-problems")).to_contain_text("htpp")
    walk.look("case-yaml")
    yaml.fill(written)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Buy a mug")
    walk.look("case")


def edit_it(walk: Walk) -> None:
    """A second revision, with what changed."""
    page = walk.page
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.locator("[data-editor][data-ready]")).to_be_visible()
    page.get_by_role("textbox", name="Title").fill(f"{TITLE} and paid")
    page.get_by_label("What changed").fill("Says what it is about")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=f"{TITLE} and paid", level=1)).to_be_visible()
    page.get_by_role("link", name="Revisions").click()
    expect(page.get_by_role("main")).to_contain_text("Says what it is about")
    walk.look("case-revisions")
