"""Lists of forms in the editor: the parts of a form with files, the turns of a conversation."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.catalog.models import TestSuite
from apps.systems.models import System
from tests.browser.test_editor import NEW, ready

Visit = Callable[..., Page]


def test_parts_are_added_filled_and_removed(visit: Visit, tester: User, system: System, suite: TestSuite) -> None:
    page = ready(visit(NEW, tester))
    page.locator("#case-title").fill("Files")
    page.locator("[data-name]").fill("Send")
    page.get_by_label("URL", exact=True).fill("http://shop")
    expect(page.get_by_role("button", name="Add HTTP version")).to_be_visible()
    page.get_by_role("radio", name="Form with files").check()
    parts = page.locator(".ed-object")
    expect(parts).to_have_count(1)
    parts.nth(0).get_by_label("Name", exact=True).fill("note")
    parts.nth(0).locator("textarea").fill("hello")
    for name in ("gone", "photo"):
        page.get_by_role("button", name="Add part").click()
        parts.last.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Remove Form with files 2").click()
    expect(parts).to_have_count(2)
    parts.last.get_by_role("radio", name="Base64").check()
    parts.last.locator("textarea").fill("iVBORw0=")
    parts.last.get_by_role("button", name="Add File name").click()
    parts.last.get_by_role("textbox", name="File name").fill("photo.png")
    page.locator("[data-save]").click()
    page.wait_for_url("**/cases/1/")

    assert given(system)["multipart"] == [
        {"name": "note", "value": "hello"},
        {"name": "photo", "base64": "iVBORw0=", "filename": "photo.png"},
    ]


def test_what_is_missing_in_a_part_is_shown_there(
    visit: Visit, console: Any, tester: User, system: System, suite: TestSuite
) -> None:
    console.allow("422")
    page = ready(visit(NEW, tester))
    page.locator("#case-title").fill("Files")
    page.locator("[data-name]").fill("Send")
    page.get_by_label("URL", exact=True).fill("http://shop")
    page.get_by_role("radio", name="Form with files").check()
    page.get_by_role("button", name="Add part").click()
    page.locator(".ed-object").nth(0).get_by_label("Name", exact=True).fill("note")
    page.locator(".ed-object").nth(0).locator("textarea").fill("hello")
    page.locator("[data-save]").click()

    expect(page.locator(".ed-object").nth(1).locator(".ed-error").first).to_be_visible()
    expect(page.locator(".ed-object").nth(0).locator(".ed-error")).to_have_count(0)


def given(system: System) -> Any:
    """What the one step of the one case does."""
    current = system.cases.get().current
    assert current is not None
    return current.definition["steps"][0]["with"]
