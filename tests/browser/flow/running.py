"""Runs: followed live, cancelled, repeated; what a failed execution shows; a manual step done by keys."""

import re

from playwright.sync_api import expect

from tests.browser.flow.walk import Walk

RUN_LIMIT = 120_000  # ms for all cases of the plan; ten seconds on an idle machine
FAILS = "The last piece is sold to one customer only"


def follow_a_run(walk: Walk) -> None:
    """The plan is started in an environment; its results come to the open page by themselves."""
    page = walk.go("plans/")
    walk.look("plans")
    page.get_by_role("link", name="Everything", exact=True).click()
    walk.look("plan")
    page.get_by_label("Environment").select_option(label="Local")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile("/runs/1/$"))
    walk.record("#progress .progress-done")
    legend = page.locator("#progress .legend")
    expect(legend).to_contain_text("3 Waiting", timeout=RUN_LIMIT)
    expect(legend).to_contain_text("2 Failed", timeout=RUN_LIMIT)
    expect(legend).to_contain_text("40 Passed", timeout=RUN_LIMIT)
    done = [int(text.partition("/")[0]) for text in walk.recorded()]
    assert done == sorted(done), "the count went back"
    assert len(done) >= 3, f"results did not come while the run went on: {done}"
    expect(page.get_by_role("heading", name="Failed for 2 reasons")).to_be_visible()
    walk.look("run")


def cancel_a_run(walk: Walk) -> None:
    """While orders answer slowly, a run is stopped; it ends at once."""
    walk.stage.shop.switch("orders", create_order="delay:20")
    page = walk.go("runs/start/")
    page.get_by_label("Plan").select_option(label="All automated cases")
    for box in page.get_by_role("group", name="Environments").get_by_role("checkbox").all():
        box.set_checked(False)
    page.get_by_label("Staging").check()
    expect(page.locator("#estimate")).to_contain_text("of 36 cases")
    walk.look("start")
    page.get_by_role("button", name="Start run").click()
    expect(page.locator("#progress")).to_contain_text("Running")
    page.wait_for_load_state()
    page.get_by_role("button", name="Cancel run").click()
    walk.confirm("Cancel run")
    expect(page.locator("#progress .progress-state")).to_contain_text("Cancelled")
    expect(page.locator("#run-stream[data-live]")).to_have_count(0)
    walk.stage.shop.reset()
    walk.look("run-cancelled")


def rerun_what_failed(walk: Walk) -> None:
    """Two executions, which fail again: the shop has not changed."""
    page = walk.go("runs/1/")
    page.get_by_role("button", name="Rerun failed").click()
    expect(page).to_have_url(re.compile("/runs/3/$"))
    expect(page.get_by_role("link", name="again from #1")).to_be_visible()
    expect(page.locator("#progress .progress-done")).to_have_text("2 / 2", timeout=RUN_LIMIT)
    expect(page.locator("#progress .legend")).to_contain_text("2 Failed")
    page.get_by_role("link", name="Runs", exact=True).last.click()
    expect(page.get_by_role("row", name=re.compile("Failed #3"))).to_be_visible()
    walk.look("runs")


def understand_the_failure(walk: Walk) -> None:
    """The failed step stands open with expected and actual; secrets are masked; the versions are those of the run."""
    page = walk.go("runs/1/?state=failed")
    page.locator("#executions").get_by_role("link", name=FAILS).click()
    step = page.locator("details.step[open]")
    expect(step).to_have_count(1)
    expect(step.locator(".versus")).to_contain_text("Expected")
    expect(step).to_contain_text("The piece is held for one of them")
    expect(step.locator(".step-time")).to_have_text(re.compile(r"\d (ms|s)"))
    side = page.get_by_role("complementary", name="Surroundings")
    expect(side).to_contain_text(re.compile(r"inventory\s+1\.1"))
    expect(side.locator(".variables")).to_contain_text("ORDERS_DB")
    for secret in ("SHOP_DATABASE_URL", "SHOP_PAYMENTS_API_KEY"):
        assert walk.stage.shop.environ[secret] not in page.content()
    walk.look("execution-failed")

    page = walk.go("runs/1/?q=reserved%2C+paid")
    page.locator("#executions").get_by_role("link", name="An order is reserved, paid and mailed").click()
    first = page.locator("details.step").first
    first.locator("summary").click()
    expect(first).to_contain_text("Response")
    walk.look("execution-passed")


def do_a_manual_case(walk: Walk) -> None:
    """One case of two manual steps: a note and the key P, twice."""
    page = walk.go("runs/1/")
    page.get_by_role("link", name="3 wait for a person").click()
    page.locator("#executions").get_by_role("link", name="Refusals are understandable for people").click()
    page.get_by_role("link", name="Open runner").click()
    page.get_by_role("button", name="Assign to me").click()
    expect(page.get_by_role("heading", name="Refuse a basket in every way")).to_be_visible()
    walk.look("runner")
    page.keyboard.press("n")
    page.keyboard.type("Every answer names the field.")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="Do the same with GraphQL")).to_be_visible()
    page.keyboard.press("p")
    expect(page.locator(".runner-done")).to_contain_text("Passed")
    walk.look("runner-done")
    page.get_by_role("link", name="Show the result").click()
    expect(page.get_by_role("main")).to_contain_text("Every answer names the field.")
