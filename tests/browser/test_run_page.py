"""Runs and executions as a person uses them, also when the connection breaks."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.core import live
from apps.environments.models import Environment, Variable
from apps.runs import rollups, services
from apps.runs.models import Execution, StepResult, TestRun
from apps.systems.models import IntegrationPoint
from tests.browser.test_runner import runner
from tests.runs.story import ended, finished_run, planned_run, step, taken, waiting_execution
from tests.servers import Server

Visit = Callable[..., Page]
MakeCase = Callable[..., TestCase]


@pytest.fixture
def run(environment: Environment, make_case: MakeCase, tester: User, point: IntegrationPoint) -> TestRun:
    return planned_run(environment, [make_case(f"Case {n}") for n in range(8)], started_by=tester)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of this test alone, which it may kill."""
    with Server(tmp_path / "server.log") as running:
        yield running


def record(executions: list[Execution], state: str = "passed") -> None:
    services.record([ended(execution, step(0, state)) for execution in executions])


def shown(page: Page) -> dict[str, Any]:
    """What a run's page says now."""
    texts = page.locator(".progress-done, .progress-state, #reasons h3, .state-tabs, tbody tr .main-cell")
    icons = page.locator("#executions tbody .mark")
    return {
        # Without spaces: of what is being replaced just then the browser tells the text as it is not laid out.
        "texts": ["".join(text.split()) for text in texts.all_inner_texts()],
        "states": icons.evaluate_all("marks => marks.map(mark => mark.dataset.state)"),
    }


def test_results_arrive_without_a_reload_or_losing_what_is_typed(
    visit: Visit, run: TestRun, tester: User, console: Any
) -> None:
    page = visit(f"/s/shop/runs/{run.number}/", tester)
    expect(page.locator(".progress-done")).to_have_text("0 / 8")
    page.evaluate("window.here = true")
    page.get_by_role("searchbox").focus()
    executions = taken(run)

    record(executions[:3])
    record(executions[3:4], "failed")

    expect(page.locator(".progress-done")).to_have_text("4 / 8")
    expect(page.locator("#reasons")).to_contain_text("status is 500, expected 201")
    expect(page.locator("#executions tbody [data-state=failed]")).to_have_count(1)
    assert page.evaluate("document.activeElement.type") == "search"
    record(executions[4:])
    expect(page.locator(".progress-state")).to_have_text("Failed")
    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0)
    expect(page.get_by_role("button", name="Rerun failed")).to_be_visible()
    expect(page.locator("#run-said")).to_have_text("The run has ended: Failed")
    assert page.evaluate("window.here")


def test_numbers_and_states_follow_the_news_before_anything_is_fetched(
    visit: Visit, run: TestRun, tester: User, console: Any
) -> None:
    page = visit(f"/s/shop/runs/{run.number}/", tester)
    executions = taken(run)
    record(executions[:1])
    expect(page.locator("#progress .legend")).to_contain_text("1 Passed")
    expect(page.locator("[data-part=passed]")).to_be_attached()
    page.route("**/runs/*/", lambda route: None)  # never answered

    record(executions[1:5])

    expect(page.locator(".progress-done")).to_have_text("5 / 8")
    expect(page.locator("#progress .legend")).to_contain_text("5 Passed")
    expect(page.locator("#progress [data-part=passed]")).to_have_attribute("width", re.compile(r"^625(\.0)?$"))
    states = page.locator("#executions tbody .mark").evaluate_all("marks => marks.map(mark => mark.dataset.state)")
    assert states == ["passed"] * 5 + ["running"] * 3


def test_a_region_that_was_rendered_before_the_news_does_not_take_it_back(
    visit: Visit, run: TestRun, tester: User, console: Any
) -> None:
    page = visit(f"/s/shop/runs/{run.number}/", tester)
    executions = taken(run)
    expect(page.locator("#executions tbody [data-state=running]")).to_have_count(8)
    held: list[str] = []

    def hold(route: Any) -> None:
        answer = route.fetch()
        if not held:
            record(executions[1:7])
            page.wait_for_timeout(500)
        held.append(route.request.headers.get("hx-target", ""))
        route.fulfill(response=answer)

    page.route("**/runs/*/", hold)
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => seen.push(document.querySelectorAll("#executions tbody [data-state=passed]").length))
            .observe(document.querySelector("main"), { subtree: true, childList: true });
    }""")
    record(executions[:1])

    expect(page.locator("#executions tbody [data-state=passed]")).to_have_count(7)
    page.wait_for_timeout(2_500)  # what was held has arrived, and what was asked for afterwards
    counts = page.evaluate("seen")
    assert "executions" in held
    assert counts == sorted(counts), "a state went back"


def test_a_page_whose_connection_was_cut_misses_nothing(
    visit: Visit, own_server: Server, run: TestRun, tester: User, console: Any
) -> None:
    console.allow_lost_connections()
    page = visit(f"{own_server.url}/s/shop/runs/{run.number}/", tester)
    executions = taken(run)
    record(executions[:2])
    expect(page.locator(".progress-done")).to_have_text("2 / 8")

    own_server.kill()
    expect(page.get_by_text("Connection lost, trying again…")).to_be_visible()
    record(executions[2:4], "failed")
    own_server.start()
    record(executions[4:6])

    expect(page.locator(".progress-done")).to_have_text("6 / 8", timeout=30_000)
    expect(page.locator("#executions tbody [data-state=failed]")).to_have_count(2)
    # The last news may come while the region that tells of the news before is being fetched: it is fetched once more.
    expect(page.locator(".state-tabs")).to_contain_text(re.compile(r"Failed\s*2\s*Passed\s*4"), timeout=15_000)
    expect(page.locator("#reasons")).to_contain_text("status is 500, expected 201")
    expect(page.get_by_text("Connection lost, trying again…")).to_be_hidden()
    seen = shown(page)
    page.reload()
    assert shown(page) == seen
    record(executions[6:])
    expect(page.locator(".progress-state")).to_have_text("Failed", timeout=15_000)


def test_a_region_that_could_not_be_fetched_is_asked_for_again(
    visit: Visit, run: TestRun, tester: User, console: Any
) -> None:
    """The stream goes on, but what it asked for fails; the news was the last."""
    console.allow_lost_connections()
    page = visit(f"/s/shop/runs/{run.number}/", tester)
    expect(page.locator("body[data-live-state=open]")).to_be_visible()
    asked: list[str] = []

    def cut(route: Route) -> None:
        asked.append(route.request.headers["hx-target"])
        route.abort("internetdisconnected")

    page.route(f"**/runs/{run.number}/", cut)
    record(taken(run))
    page.wait_for_timeout(1500)  # nothing of it is left to arrive
    assert {"progress", "executions"} <= set(asked)
    expect(page.get_by_role("button", name="Cancel run")).to_be_visible()
    page.unroute(f"**/runs/{run.number}/")

    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0, timeout=30_000)
    expect(page.locator("#progress")).to_contain_text("Passed")


def test_a_region_that_sees_the_end_before_its_news_tells_the_others(
    visit: Visit, run: TestRun, tester: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another worker told lets the page look just between the commit of the last results and their news."""
    page = visit(f"/s/shop/runs/{run.number}/", tester)
    expect(page.locator("body[data-live-state=open]")).to_be_visible()
    with monkeypatch.context() as late:
        late.setattr(live, "publish_all", lambda events: None)
        record(taken(run), "failed")
    rollups.tell_progress(TestRun.objects.get(pk=run.pk))

    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0)
    expect(page.locator("#executions tbody [data-state=failed]")).to_have_count(8)
    expect(page.locator("#reasons")).to_contain_text("status is 500, expected 201")


def test_the_list_follows_runs_as_they_start_and_end(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, system: Any
) -> None:
    page = visit("/s/shop/runs/", tester)
    expect(page.get_by_text("No run yet")).to_be_visible()

    started = planned_run(environment, [make_case()], title="Nightly")
    expect(page.locator("#run-rows tbody tr")).to_contain_text("Nightly")
    record(taken(started))

    expect(page.locator("#run-rows tbody [data-state=passed]")).to_be_visible()


def test_executions_are_searched_and_filtered_in_the_url(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User
) -> None:
    found = finished_run(environment, [make_case(f"Case {n}") for n in range(6)], ["", "broken"] * 3)
    page = visit(f"/s/shop/runs/{found.number}/", tester)

    page.locator(".state-tabs").get_by_role("link", name="Failed").click()
    expect(page.locator("#executions tbody tr")).to_have_count(3)
    page.get_by_role("searchbox").fill("case 3")
    expect(page.locator("#executions tbody tr")).to_have_count(1)

    assert "state=failed" in page.url
    assert "q=case%203" in page.url
    page.reload()
    expect(page.locator("#executions tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.locator("#executions tbody tr")).to_have_count(3)


def test_an_earlier_run_is_compared_where_it_stands(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User
) -> None:
    cases = [make_case(f"Case {n}") for n in range(2)]
    before = finished_run(environment, cases, ["", "broken"])
    found = finished_run(environment, cases, ["broken", ""])
    page = visit(f"/s/shop/runs/{found.number}/", tester)

    page.get_by_label("Compare with an earlier run").select_option(str(before.number))

    expect(page.locator(".change-newly")).to_contain_text("Case 0")
    expect(page.locator(".change-fixed")).to_contain_text("Case 1")
    assert f"compare={before.number}" in page.url


def test_steps_are_opened_on_demand_and_stay_open_on_a_reload(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, point: IntegrationPoint
) -> None:
    [execution] = taken(planned_run(environment, [make_case()]))
    services.record([ended(execution, step(0), step(1, "failed"), step(2, "skipped"))])
    page = visit(f"/s/shop/executions/{execution.pk}/", tester)
    expect(page.locator("details.step[open] > summary")).to_contain_text("Step 2")

    page.locator("summary", has_text="Step 1").click()
    expect(page.locator("details.step[open]").first).to_contain_text("order-0")

    first = StepResult.objects.get(position=0)
    assert f"step={first.pk}" in page.url
    page.reload()
    expect(page.locator(f"#step-{first.pk}")).to_have_attribute("open", "")
    page.get_by_role("button", name="Copy as curl").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl --request POST http://orders.test/orders")


# -- how they look


@pytest.fixture
def pages(environment: Environment, make_case: MakeCase, point: IntegrationPoint) -> dict[str, str]:
    """Paths of the pages with something on them, by name."""
    Variable.objects.create(environment=environment, name="SHOP", value="http://shop.test")
    plan = TestPlan.objects.create(system=environment.system, name="All", slug="all", everything=True)
    cases = [make_case(f"An order of kind {n} is paid") for n in range(5)]
    before = finished_run(environment, cases, ["", "broken", "", "", ""], plan=plan, title="All")
    found = finished_run(environment, cases, ["", "", "status is 500", "broken", "broken"], plan=plan, title="All")
    waiting = waiting_execution(environment, make_case)
    failed = found.executions.filter(state="failed").earliest("position")
    return {
        "runs": "/s/shop/runs/",
        "runs-waiting": "/s/shop/runs/?state=waiting",
        "runs-none": "/s/shop/runs/?state=skipped",
        "run-start": "/s/shop/runs/start/",
        "run": f"/s/shop/runs/{found.number}/?compare={before.number}",
        "run-waiting": f"/s/shop/runs/{waiting.run.number}/",
        "execution": f"/s/shop/executions/{failed.pk}/",
        "execution-waiting": f"/s/shop/executions/{waiting.pk}/",
        "runner": runner(waiting),
        "runner-done": runner(failed),
    }


@pytest.mark.parametrize(
    "names",
    [
        ("runs", "runs-waiting", "runs-none", "run-start"),
        ("run", "run-waiting"),
        ("execution", "execution-waiting"),
        ("runner", "runner-done"),
    ],
    ids=lambda names: names[0],
)
def test_the_pages_are_accessible_and_fit_every_width(
    visit: Visit,
    shoot: Callable[[Page, str], None],
    axe: Callable[[Page], None],
    pages: dict[str, str],
    tester: User,
    names: tuple[str, ...],
) -> None:
    for name in names:
        page = visit(pages[name], tester)
        axe(page)
        shoot(page, name)
        page.context.close()


def test_a_run_is_paused_and_resumed_by_a_key_and_others_see_it_at_once(
    visit: Visit, run: TestRun, tester: User, console: Any
) -> None:
    other = visit(f"/s/shop/runs/{run.number}/", tester)
    page = visit(f"/s/shop/runs/{run.number}/", tester)
    expect(page.get_by_text("No worker listens to execution.")).to_be_visible()
    expect(page.get_by_role("button", name="Copy the command")).to_be_visible()

    page.keyboard.press("p")

    for one in (page, other):
        expect(one.locator("#progress")).to_contain_text("Paused")
        expect(one.get_by_role("button", name="Resume")).to_be_visible()
    page.keyboard.press("p")
    for one in (page, other):
        expect(one.get_by_role("button", name="Pause")).to_be_visible()
        expect(one.locator("#progress")).not_to_contain_text("Paused")
    other.close()
