"""The manual runner as a person uses it, also when the connection or the browser breaks."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.runs import services
from apps.runs.models import Artifact, StepResult
from tests.runs.story import ended, runner, taken, waiting_at, waiting_execution

pytestmark = pytest.mark.usefixtures("unsent")
Visit = Callable[..., Page]
MakeCase = Callable[..., TestCase]
Paste = Callable[[Page], Any]


def test_a_person_works_through_a_mixed_case_with_the_keys(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User
) -> None:
    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)
    expect(page.locator("#runner h2")).to_contain_text("Look at the mail")

    page.keyboard.press("n")
    page.keyboard.type("Looks right.")
    page.keyboard.press("Escape")
    page.keyboard.press("p")

    expect(page.get_by_text("Automated steps are running…")).to_be_visible()
    [execution] = taken(execution.run)
    services.record([waiting_at(execution, 2)])
    expect(page.locator("#runner h2")).to_contain_text("Look at the page")
    expect(page.get_by_label("Note")).to_have_value("")
    assert StepResult.objects.get(position=1).note == "Looks right."

    page.keyboard.press("f")
    expect(page.get_by_text("Say what you saw")).to_be_visible()
    page.keyboard.type("The page is blank.")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_text("Automated steps are running…")).to_be_visible()
    [execution] = taken(execution.run)
    services.record([ended(execution, state="failed", message="The page is blank.")])
    expect(page.locator(".runner-done")).to_contain_text("The page is blank.")
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('integhub:manual'))") == []


def test_what_was_typed_survives_a_reload_and_a_lost_connection(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, console: Any
) -> None:
    console.allow_lost_connections()
    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)
    page.get_by_label("Note").fill("Half a sentence")
    expect(page.get_by_text("Saved on this device")).to_be_visible()

    StepResult.objects.filter(position=1).update(started_at=timezone.now() - timedelta(hours=1))
    age = "for (const key of Object.keys(localStorage)) { const draft = JSON.parse(localStorage[key]);"
    page.evaluate(f"() => {{ {age} draft.begun -= 90_000; localStorage[key] = JSON.stringify(draft); }} }}")
    page.reload()
    expect(page.get_by_label("Note")).to_have_value("Half a sentence")
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"[1-9]:\d\d"))
    page.context.set_offline(True)
    page.get_by_role("button", name="Pass").click()
    expect(page.get_by_text("No connection.")).to_be_visible()
    page.wait_for_timeout(1500)  # several tries fail
    assert StepResult.objects.get(position=1).state == "waiting"
    page.context.set_offline(False)

    expect(page.get_by_text("Automated steps are running…")).to_be_visible(timeout=20_000)
    found = StepResult.objects.get(position=1)
    assert (found.state, found.note) == ("passed", "Half a sentence")
    assert found.duration_ms is not None
    assert 90_000 <= found.duration_ms < 600_000, "as the timer showed, not the hour that it has waited"


def test_a_verdict_that_was_on_its_way_is_sent_after_a_crash_of_the_browser(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, console: Any
) -> None:
    console.allow_lost_connections()
    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)
    page.context.set_offline(True)
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("No connection.")).to_be_visible()
    again = page.context.new_page()
    page.close()
    again.context.set_offline(False)

    again.goto(runner(execution))

    expect(again.get_by_text("Automated steps are running…")).to_be_visible()
    assert StepResult.objects.get(position=1).state == "skipped"


def test_a_pasted_screenshot_is_kept_and_shown(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, console: Any, paste: Paste
) -> None:
    console.allow("the server responded with a status of 415")
    execution = waiting_execution(environment, make_case)
    page = visit(runner(execution), tester)

    paste(page)
    expect(page.locator("#runner-files img")).to_be_attached()
    artifact = Artifact.objects.get()
    assert (artifact.content_type, artifact.step.position) == ("image/png", 1)
    assert artifact.name.startswith("screenshot-")

    page.locator("[data-files]").set_input_files({"name": "evil.html", "mimeType": "text/html", "buffer": b"<b>"})
    expect(page.get_by_text("“evil.html” is not accepted")).to_be_visible()
    page.get_by_role("button", name=f"Remove {artifact.name}").click()
    expect(page.locator("#runner-files li")).to_have_count(0)
    assert not Artifact.objects.exists()


def test_somebody_elses_verdict_does_not_take_the_text_away(
    visit: Visit, environment: Environment, make_case: MakeCase, tester: User, lead: User, console: Any
) -> None:
    console.allow("the server responded with a status of 409")
    execution = waiting_execution(environment, make_case)
    mine, theirs = visit(runner(execution), tester), visit(runner(execution), lead)
    mine.get_by_label("Note").fill("I was not finished")
    theirs.keyboard.press("p")
    expect(theirs.get_by_text("Automated steps are running…")).to_be_visible()
    mine.wait_for_timeout(600)

    expect(mine.get_by_label("Note")).to_have_value("I was not finished")
    mine.get_by_role("button", name="Blocked").click()
    expect(mine.get_by_text("does not wait for a verdict on this step")).to_be_visible()
    expect(mine.get_by_label("Note")).to_have_value("I was not finished")
