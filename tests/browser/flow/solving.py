"""A defect: opened from what failed, discussed, fixed, shown to be solved, and seen again."""

import re

from playwright.sync_api import expect

from tests.browser.flow.running import FAILS, RUN_LIMIT
from tests.browser.flow.walk import Walk

DEFECT = "defects/1/"


def open_a_defect(walk: Walk) -> None:
    """Prefilled from the failed execution: nothing has to be typed."""
    page = walk.go("runs/1/?state=failed")
    page.locator("#executions").get_by_role("link", name=FAILS).click()
    page.get_by_role("link", name="Create defect").click()
    expect(page.get_by_label("Title")).to_have_value(
        re.compile(r"The piece is held for one of them: expected .*reserved equals 1, got \d")
    )
    expect(page.get_by_label("Description")).to_have_value(re.compile(r"Expected: `1`.*inventory 1\.1", re.DOTALL))
    expect(page.get_by_label("Severity").locator("option:checked")).to_have_text("Critical")
    walk.look("defect-new")
    page.get_by_role("button", name="Open defect").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("D1")
    expect(page.locator("#evidence")).to_contain_text("Failed")


def work_on_it(walk: Walk) -> None:
    """Discussed, given to somebody, its cause found."""
    page = walk.go(DEFECT)
    page.get_by_role("textbox", name="Comment").fill("Two customers get the **same** piece. @Tom, can you look?")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".talk-comment strong")).to_have_text(["same", "@Tom"])
    page.wait_for_load_state()  # the choice is sent by a script
    page.get_by_label("Owner").select_option(label="Tom Tester")
    expect(page.locator("#defect-lead")).to_contain_text("Tom Tester")
    page.get_by_role("link", name="Set the root cause").click()
    page.get_by_label("Category").select_option(index=1)
    page.get_by_label("Component").select_option(label="Inventory")
    page.get_by_label("Explanation").fill("1.1 asks the warehouse between reading and writing, without a lock.")
    walk.look("root-cause")
    page.get_by_role("button", name="Save root cause").click()
    expect(page.locator("#root-cause")).to_contain_text("without a lock")
    page.get_by_role("button", name="Start work").click()
    expect(page.locator("#defect-lead")).to_contain_text("In progress")


def fix_and_retest(walk: Walk) -> None:
    """Inventory 1.0 is deployed, the defect is said to be fixed, and the retest shows it, on the open page."""
    walk.stage.shop.switch("inventory", version="1.0")
    page = walk.go("environments/local/")
    page.get_by_label("Component").select_option(label="Inventory")
    page.get_by_label("Version", exact=True).fill("1.0")
    page.get_by_role("button", name="Deployed now").click()
    expect(page.locator(".deployed-rows li", has_text="Inventory")).to_contain_text("1.0")

    page = walk.go(DEFECT)
    page.wait_for_load_state()
    page.get_by_role("button", name="Mark as fixed").click()
    modal = page.locator("#fix-modal")
    modal.get_by_label("Fixed in version").select_option(label="Inventory 1.0")
    modal.get_by_role("button", name="Mark as fixed").click()
    expect(page.locator("#defect-lead")).to_contain_text("Fixed")
    walk.stage.shop.switch("orders", create_order="delay:2")  # time to see it running
    page.get_by_role("button", name="Retest", exact=True).click()
    expect(page.locator("#defect-live")).to_contain_text("Retest running")
    page.wait_for_load_state()
    walk.record("#defect-lead")
    expect(page.locator("#defect-lead")).to_contain_text("Verified", timeout=RUN_LIMIT)
    assert any("Fixed" in text for text in walk.recorded()), "the page was loaded again"
    expect(page.locator("[data-evidence=passed]")).to_contain_text("1.0")
    expect(page.locator("[data-evidence=verified]")).to_be_visible()
    walk.look("defect-verified")


def see_it_again(walk: Walk) -> None:
    """The bad version comes back without a word: the next run fails, and the defect opens again by itself."""
    walk.stage.shop.reset()
    page = walk.go("runs/1/")
    page.get_by_role("button", name="Rerun failed").click()
    expect(page.get_by_role("link", name="again from #1")).to_be_visible()
    expect(page.locator("#progress .progress-done")).to_have_text("2 / 2", timeout=RUN_LIMIT)
    page = walk.go(DEFECT)
    expect(page.locator("#defect-lead")).to_contain_text("Reopened")
    expect(page.locator("[data-evidence=reopened]")).to_be_visible()
    walk.look("defect-reopened")
    page = walk.go("defects/")
    expect(page.get_by_role("row", name=re.compile("D1"))).to_contain_text("Reopened")
    walk.look("defects")
