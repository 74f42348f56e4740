"""Manual work in the browser: shared out, judged together, and done where the connection comes and goes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.core import live
from apps.environments.models import Environment
from apps.runs import services
from apps.runs.models import Artifact, Execution, ExecutionEvent, StepResult, TestRun
from tests.runs.story import MANUAL, ended, runner, step, taken, waiting_at, waiting_execution

pytestmark = pytest.mark.usefixtures("unsent")
Visit = Callable[..., Page]
MakeCase = Callable[..., TestCase]
Paste = Callable[[Page], Any]


@pytest.fixture
def run(environment: Environment, make_case: MakeCase) -> TestRun:
    """Four executions of one case that wait for the same step, and a fifth of another case."""
    rows = make_case("The mail looks right", MANUAL, mode="mixed")
    other = make_case("The invoice looks right", MANUAL, mode="manual")
    planned = [services.Planned(case=rows, row={"n": n}, row_label=f"Row {n}") for n in range(4)]
    found = services.create_run(
        environment=environment,
        planned=[*planned, services.Planned(case=other)],
        title="By hand",
        started_by=None,
        trigger="person",
        seed=1,
    )
    services.record([waiting_at(one) for one in taken(found)])
    return found


def choose(page: Page, *titles: str) -> None:
    for title in titles:
        page.get_by_role("checkbox", name=re.compile(title)).check()


def test_work_is_shared_out_where_the_run_stands(visit: Visit, run: TestRun, tester: User, lead: User) -> None:
    page = visit(f"/s/shop/runs/{run.number}/", lead)
    expect(page.locator("#work")).to_contain_text("nobody yet")

    page.get_by_role("button", name="Share out").click()
    for name in ("Lena", "Tom"):
        page.get_by_role("checkbox", name=name).check()
    page.locator("form[data-closes]").get_by_role("button", name="Share out").click()

    expect(page.get_by_text("Shared out: Lena 3, Tom 2.")).to_be_visible()
    expect(page.locator("#work")).to_contain_text("Lena")
    expect(page.locator("#work")).not_to_contain_text("nobody yet")
    page.locator(".state-tabs").get_by_role("link", name="Mine").click()
    expect(page.locator("#executions tbody tr")).to_have_count(3)
    assert "who=me" in page.url
    assert run.executions.filter(assigned_to=tester).count() == 2


def test_several_are_judged_together_or_not_at_all(
    visit: Visit, run: TestRun, tester: User, lead: User, console: Any
) -> None:
    console.allow("the server responded with a status of 409")
    console.allow("Response Status Error Code 409")
    page = visit(f"/s/shop/runs/{run.number}/?state=waiting", tester)
    expect(page.locator("[data-chosen]")).to_be_hidden()
    choose(page, "Row 0", "Row 1", "invoice")
    page.get_by_role("button", name="Verdict", exact=True).click()
    page.get_by_label("Note").fill("Seen in the mailbox")
    page.get_by_role("button", name="Pass", exact=True).click()
    expect(page.get_by_text("These wait for different steps")).to_be_visible()
    assert run.executions.filter(state="waiting").count() == 5
    expect(page.get_by_label("Note")).to_have_value("Seen in the mailbox")

    page.get_by_role("checkbox", name=re.compile("invoice")).uncheck()
    if not page.get_by_label("Note").is_visible():
        page.get_by_role("button", name="Verdict", exact=True).click()
    page.get_by_role("button", name="Pass", exact=True).click()

    expect(page.get_by_text("The verdict is stored on 2 executions.")).to_be_visible()
    expect(page.locator("#executions tbody tr")).to_have_count(3)
    expect(page.locator("[data-chosen]")).to_be_hidden()
    found = StepResult.objects.filter(execution__run=run, state="passed", kind="manual")
    assert {(row.note, row.executed_by) for row in found} == {("Seen in the mailbox", tester)}


def test_a_choice_outlives_results_that_come_meanwhile(visit: Visit, run: TestRun, tester: User) -> None:
    page = visit(f"/s/shop/runs/{run.number}/?state=waiting", tester)
    choose(page, "Row 1", "Row 2")

    first = run.executions.get(row_label="Row 0")
    Execution.objects.filter(pk=first.pk).update(state="queued", resume_at=2)
    [execution] = taken(run)
    services.record([ended(execution, step(2))])
    Execution.objects.filter(row_label="Row 2").update(resume_at=2)  # it waits for another step now
    live.publish(run.topic, "executions", {"changes": [[execution.pk, "waiting"]]})

    expect(page.locator("#executions tbody tr")).to_have_count(4)
    expect(page.get_by_role("checkbox", name=re.compile("Row 1"))).to_be_checked()
    expect(page.get_by_role("checkbox", name=re.compile("Row 2"))).not_to_be_checked()
    expect(page.locator("[data-chosen-count]")).to_have_text("1")


def test_the_runner_is_told_of_its_execution_among_many_others(
    visit: Visit, run: TestRun, tester: User, environment: Environment
) -> None:
    """News come faster than a page is told of them: what it waits for must not be lost between the others."""
    execution = run.executions.get(row_label="Row 0")
    page = visit(runner(execution), tester)
    page.keyboard.press("p")
    expect(page.get_by_text("Automated steps are running…")).to_be_visible()
    [again] = taken(run)

    live.publish(run.topic, "executions", {"changes": [[1, "running"]]})
    services.record([waiting_at(again, 2)])
    for other in range(5):
        live.publish(run.topic, "executions", {"changes": [[other, "running"]]})

    expect(page.locator("#runner h2")).to_contain_text("Look at the page")


def test_pictures_survive_a_reload_without_connection_and_are_sent_once(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, console: Any, paste: Paste
) -> None:
    console.allow_lost_connections()
    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)
    page.route("**/manual/files/", lambda route: route.abort("internetdisconnected"))

    paste(page)
    expect(page.get_by_text("kept on this device, waiting for the connection")).to_be_visible()
    page.get_by_label("Note").fill("With a picture")
    page.reload()

    expect(page.get_by_text("kept on this device, waiting for the connection")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("With a picture")
    assert not Artifact.objects.exists()
    page.unroute("**/manual/files/")
    expect(page.locator("#runner-files img")).to_be_attached(timeout=20_000)
    page.reload()
    expect(page.locator("#runner-files img")).to_have_count(1)
    assert Artifact.objects.count() == 1


def test_a_verdict_without_connection_waits_for_its_pictures_and_is_stored_once(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, console: Any, paste: Paste
) -> None:
    console.allow_lost_connections()
    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)
    page.context.set_offline(True)
    paste(page)
    page.get_by_role("button", name="Pass").click()
    expect(page.get_by_text("No connection. Your verdict is kept")).to_be_visible()

    page.context.set_offline(False)

    expect(page.get_by_text("Automated steps are running…")).to_be_visible(timeout=20_000)
    assert Artifact.objects.get().step.state == "passed"
    assert ExecutionEvent.objects.filter(kind="verdict").count() == 1


def test_an_answer_that_was_lost_does_not_double_the_verdict(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, console: Any
) -> None:
    console.allow_lost_connections()
    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)
    cut: list[str] = []

    def lose(route: Any) -> None:
        if route.request.method != "POST" or cut:
            return route.continue_()
        cut.append(route.request.url)
        route.fetch()  # it arrives, its answer does not
        return route.abort("connectionreset")

    page.route("**/manual/", lose)
    page.keyboard.press("p")

    expect(page.get_by_text("Automated steps are running…")).to_be_visible(timeout=20_000)
    assert cut
    assert ExecutionEvent.objects.filter(kind="verdict").count() == 1


def test_a_verdict_left_behind_is_sent_from_the_dashboard(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, console: Any
) -> None:
    console.allow_lost_connections()
    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)
    page.context.set_offline(True)
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("No connection.")).to_be_visible()
    other = page.context.new_page()
    page.close()
    other.context.set_offline(False)

    other.goto("/s/shop/")

    expect(other.get_by_text("Your verdict has been sent:")).to_be_visible()
    assert StepResult.objects.get(position=1).state == "skipped"


def test_another_person_on_the_same_device_does_not_send_what_was_typed_before(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, lead: User, server: str
) -> None:
    from tests.browser.conftest import session_cookie

    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)
    page.get_by_label("Note").fill("Tom's words")
    expect(page.get_by_text("Saved on this device")).to_be_visible()
    page.context.clear_cookies()
    page.context.add_cookies([session_cookie(lead, server)])

    page.reload()

    expect(page.get_by_label("Note")).to_have_value("")


def test_one_key_leads_through_what_is_mine(visit: Visit, run: TestRun, tester: User) -> None:
    run.executions.filter(row_label__in=["Row 1", "Row 3"]).update(assigned_to=tester)
    first, second = run.executions.filter(assigned_to=tester).order_by("position")
    page = visit(runner(first), tester)

    page.keyboard.press("j")
    page.wait_for_url(f"**{runner(second)}")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Next that waits")
    expect(page.locator("#keys").get_by_text("Pass", exact=True)).to_be_visible()  # and not “PassP”
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.get_by_text("Automated steps are running…")).to_be_visible()
    page.keyboard.press("j")

    page.wait_for_url(f"**{runner(first)}")


def test_who_did_what_is_told_on_the_execution(
    visit: Visit, run: TestRun, tester: User, lead: User, shoot: Callable[[Page, str], None], axe: Any
) -> None:
    from apps.execution import services as execution

    one = run.executions.get(row_label="Row 0")
    execution.assign([one], to=tester, by=lead)
    execution.finish_manual_step(one, step=1, verdict="failed", note="The mail is **blank**.", by=tester)
    page = visit(f"/s/shop/executions/{one.pk}/", tester)

    deeds = page.locator(".deeds")
    expect(deeds).to_contain_text("Lena gave it to Tom")
    expect(deeds).to_contain_text("Step 2 “Look at the mail”")
    expect(deeds).to_contain_text("The mail is **blank**.")
    axe(page)
    shoot(page, "execution-deeds")


def test_the_chosen_bar_is_accessible_and_fits(
    visit: Visit, run: TestRun, tester: User, shoot: Callable[[Page, str], None], axe: Any
) -> None:
    page = visit(f"/s/shop/runs/{run.number}/?state=waiting", tester)
    choose(page, "Row 0", "Row 1")
    page.get_by_role("button", name="Verdict", exact=True).click()

    axe(page)
    shoot(page, "run-chosen")


def test_chosen_executions_run_again_and_are_compared_when_they_end(visit: Visit, run: TestRun, tester: User) -> None:
    page = visit(f"/s/shop/runs/{run.number}/", tester)
    choose(page, "Row 0", "Row 1")

    page.locator("[data-chosen]").get_by_role("button", name="Rerun", exact=True).click()

    expect(page.get_by_text("Started again as #2.")).to_be_visible()
    again = TestRun.objects.latest("pk")
    assert list(again.executions.values_list("row_label", flat=True)) == ["Row 0", "Row 1"]
    services.record([ended(one, step(0, "failed")) for one in taken(again)])
    expect(page.locator("#comparison")).to_contain_text("Failing, not run then")


def test_the_command_of_a_worker_is_copied(visit: Visit, environment: Environment, tester: User) -> None:
    page = visit("/s/shop/workers/", tester)

    page.get_by_role("button", name="Copy the command").first.click()

    assert "worker --queues execution" in page.evaluate("navigator.clipboard.readText()")
