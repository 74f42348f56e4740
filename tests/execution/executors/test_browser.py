"""Browser steps with a real Chromium and a real server: what people do, what pages show, what is kept of it."""

import io
import json
import zipfile

import pytest

from apps.execution.engine.model import State
from apps.execution.executors.base import Observed
from apps.execution.executors.browser_reading import Reading
from tests.execution.engine.running import case_of, run_step
from tests.execution.executors.browsing import ALLOWED, Browsing, step_of
from tests.execution.executors.servers.pages import Site

pytestmark = pytest.mark.browser


def test_not_allowed_unless_the_worker_was_started_for_it(site: Site) -> None:
    outcome = run_step("browser", {"actions": [{"open": site.url}]})
    assert outcome.state is State.BLOCKED
    assert "INTEGHUB_ALLOW=browser" in outcome.message
    assert site.asked == []


def test_a_worker_without_chromium_says_what_to_install(site: Site) -> None:
    outcome = run_step("browser", {"actions": [{"open": site.url}]}, allowed=ALLOWED)
    assert outcome.state is State.BLOCKED
    assert "INTEGHUB_CHROMIUM" in outcome.message


def test_a_form_is_filled_in_and_sent_and_its_answer_read(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step(
        [
            {"open": "{{ SHOP }}/"},
            {"fill": {"at": "label=E-mail", "value": "ana@example.test"}},
            {"select": {"at": "label=Card", "option": "Mastercard"}},
            {"check": "label=As a gift"},
            {"click": 'role=button "Buy now"'},
        ],
        variables={"SHOP": site.url},
        expect=[
            {"check": "title", "equals": "Ordered"},
            {"check": "url", "contains": "/ordered?email=ana"},
            {"check": "text", "at": "role=heading", "equals": "Thank you"},
            {"check": "text", "at": "#rest", "equals": "card=m,gift=on"},
        ],
        capture={"who": "#who", "place": {"from": "url", "at": r"/(\w+)\?"}},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"who": "ana@example.test", "place": "ordered"}
    assert [one["action"] for one in outcome.response["actions"]] == [
        f"open {site.url}/",
        "fill label=E-mail: ana@example.test",
        "select label=Card: Mastercard",
        "check label=As a gift",
        'click role=button "Buy now"',
    ]
    assert all(one["state"] == "passed" and one["ms"] > 0 for one in outcome.response["actions"])
    assert [(one.name, one.content[:4]) for one in outcome.artifacts] == [("screenshot.png", b"\x89PNG")]


def test_what_comes_later_is_waited_for(browsing: Browsing, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    once = Reading.once

    async def counted(self: Reading, observed: Observed) -> bool:
        looks.append(len(looks) + 1)
        return await once(self, observed)

    monkeypatch.setattr(Reading, "once", counted)
    expect = [{"check": "text", "at": "#state", "equals": "paid"}]
    patient = {"wait": 60, "timeout": 90}  # it ends with what it waits for
    assert browsing.step([{"open": f"{site.url}/ordered"}], expect=expect, **patient).state is State.PASSED
    assert len(looks) > 1
    looks.clear()
    never = browsing.step([{"open": f"{site.url}/ordered?paid=never"}], expect=expect, wait=0)
    assert never.state is State.FAILED
    assert "placed" in never.message
    assert looks == [1]
    turned = [{"check": "text", "at": "#state", "equals": "placed", "not": True}]
    gone = browsing.step([{"open": f"{site.url}/ordered"}], expect=turned, **patient)
    assert gone.state is State.PASSED, gone.message


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        ({"check": "count", "at": ".product", "equals": 2}, True),
        ({"check": "count", "at": ".none", "equals": 0}, True),
        ({"check": "text", "at": ".product >> nth=1", "contains": "0.45"}, True),
        ({"check": "text", "at": ".product >> css=b", "same_items": ["9.50", "0.45"]}, True),
        ({"check": "text", "at": ".none", "exists": False}, True),
        ({"check": "text", "contains": "Shop"}, True),
        ({"check": "visible", "at": "text=Sold out", "equals": False}, True),
        ({"check": "visible", "at": 'role=heading "Shop"', "equals": True}, True),
        ({"check": "enabled", "at": "role=button Later", "equals": False}, True),
        ({"check": "enabled", "at": "test_id=buy", "equals": True}, True),
        ({"check": "checked", "at": "label=As a gift", "equals": False}, True),
        ({"check": "value", "at": "label=Card", "equals": "v"}, True),
        ({"check": "attribute", "at": 'text="Help" @ href', "equals": "/help"}, True),
        ({"check": "attribute", "at": "alt=Logo @ title", "equals": "The shop"}, True),
        ({"check": "attribute", "at": "placeholder=you@example.test @ name", "equals": "email"}, True),
        ({"check": "visible", "at": "title=Help page", "equals": True}, True),
        ({"check": "visible", "at": "frame=iframe >> label=Number", "equals": True}, True),
        ({"check": "visible", "at": "label=Number", "equals": True}, False),
        ({"check": "count", "at": ".product", "equals": 3}, False),
        ({"check": "text", "at": ".none", "equals": "x"}, False),
    ],
)
def test_checks_of_what_a_page_shows(browsing: Browsing, site: Site, check: dict[str, object], holds: bool) -> None:
    outcome = browsing.step([{"open": site.url}], expect=[check], wait=0.3, screenshot="never")
    assert (outcome.state is State.PASSED) is holds, outcome.message


def test_keys_pointing_files_and_going_back(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step(
        [
            {"open": site.url},
            {"upload": {"at": "label=Photo", "filename": "note.txt", "text": "from the case"}},
            {"wait_for": {"at": "text=from the case"}},
            {"hover": "role=heading"},
            {"check": "label=As a gift"},
            {"uncheck": "label=As a gift"},
            {"fill": {"at": "label=E-mail", "value": "bo"}},
            {"press": {"at": "label=E-mail", "key": "Enter"}},
            {"wait_for": {"at": "text=Thank you"}},
            {"go": "back"},
            {"click": 'text="Help"'},
            {"press": {"key": "Tab"}},
        ],
        expect=[
            {"check": "title", "equals": "Help"},
            {"check": "requests", "at": "$[?@.type == 'document']", "count": 6},
        ],
    )
    assert outcome.state is State.PASSED, outcome.message


def test_an_action_that_cannot_be_done_says_which_and_why(browsing: Browsing, site: Site) -> None:
    late = browsing.step([{"open": site.url}, {"click": "role=button Later"}, {"click": "text=Help"}], timeout=2)
    assert late.state is State.FAILED
    assert "action 2, click role=button Later" in late.message
    assert "not enabled" in late.message
    assert [one["state"] for one in late.response["actions"]] == ["passed", "failed", "skipped"]
    assert [one.name for one in late.artifacts] == ["screenshot.png"]
    two = browsing.step([{"open": site.url}, {"click": ".product"}])
    assert "resolved to 2 elements" in two.message
    wrong = browsing.step([{"open": site.url}, {"click": ":::"}], timeout=3)
    assert wrong.state is State.FAILED
    assert "action 2" in wrong.message


def test_steps_of_a_case_share_page_and_cookies_and_cases_share_nothing(browsing: Browsing, site: Site) -> None:
    again = {"expect": [{"check": "text", "at": "#seen", "equals": "2"}]}
    definition = case_of(
        step_of([{"open": f"{site.url}/storage"}]),
        step_of([{"go": "reload"}], again),
        step_of(
            [{"open": f"{site.url}/storage"}],
            {"session": "other", "expect": [{"check": "text", "at": "#seen", "equals": "1"}]},
        ),
    )
    for _ in range(2):
        outcome = browsing.case(definition)
        assert outcome.state is State.PASSED, outcome.message
    cookies = [one.get("Cookie", "") for one in site.headers if "favicon" not in one.get("Referer", "")]
    assert cookies.count("c=1") >= 2


def test_what_goes_on_behind_a_persons_step(browsing: Browsing, site: Site) -> None:
    person = {"name": "Look", "kind": "manual", "with": {"instructions": "Look"}}
    behind = step_of([{"go": "reload"}], {"expect": [{"check": "text", "at": "#seen", "equals": "3"}]})
    definition = case_of(step_of([{"open": f"{site.url}/storage"}]), person, behind)
    waiting = browsing.case(definition)
    assert waiting.state is State.WAITING
    assert waiting.resume is not None
    resumed = browsing.case(definition, start_at=2, captured=json.loads(json.dumps(waiting.resume)))
    assert resumed.state is State.PASSED, resumed.message


def test_console_failed_requests_and_status(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step(
        [{"open": f"{site.url}/noise"}],
        expect=[
            {"check": "errors", "at": "$[?@ == 'it broke']", "count": 1},
            {"check": "errors", "at": "$[?search(@, 'null')]", "count": 1},
            {"check": "failed_requests", "at": "$[*].status", "equals": 404},
        ],
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.response["failed_requests"][0]["url"] == f"{site.url}/missing"
    missing = browsing.step([{"open": f"{site.url}/missing"}], wait=0)
    assert missing.state is State.FAILED
    assert "status should be below 400" in missing.message
    assert (
        browsing.step([{"open": f"{site.url}/missing"}], expect=[{"check": "status", "equals": 404}]).state
        is State.PASSED
    )
    nothing = browsing.step([{"press": {"key": "Tab"}}], wait=0)
    assert "no page was opened yet" in nothing.message


def test_dialogs_are_answered_and_told(browsing: Browsing, site: Site) -> None:
    opened = [{"open": f"{site.url}/dialogs"}]
    yes = browsing.step(opened, expect=[{"check": "title", "equals": "yes"}])
    assert yes.state is State.PASSED, yes.message
    assert yes.response["dialogs"][1] == {"type": "confirm", "message": "Sure?"}
    assert (
        browsing.step(opened, dialogs="dismiss", expect=[{"check": "title", "equals": "nonull"}]).state is State.PASSED
    )


def test_a_new_tab_is_where_it_goes_on_until_it_closes(browsing: Browsing, site: Site) -> None:
    definition = case_of(
        step_of(
            [{"open": site.url}, {"click": "text=Help in a new tab"}],
            {"expect": [{"check": "title", "equals": "Help"}, {"check": "tabs", "equals": 2}]},
        ),
        step_of([{"tab": 1}], {"expect": [{"check": "title", "equals": "Shop"}]}),
        step_of([{"tab": 2}, {"click": "text=Close"}], {"expect": [{"check": "title", "equals": "Shop"}]}),
        step_of([{"tab": 2}]),
    )
    outcome = browsing.case(definition)
    assert [one.state for one in outcome.steps] == [*[State.PASSED] * 3, State.FAILED], outcome.message
    assert "there are 1 tabs" in outcome.message


def test_downloads_are_told(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step(
        [{"open": site.url}, {"open": f"{site.url}/file"}],
        expect=[{"check": "downloads", "at": "$[0].name", "equals": "orders.csv"}],
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.response["downloads"][0]["size"] == 8


def test_the_trace_tells_of_a_failure_and_holds_no_secret(browsing: Browsing, site: Site) -> None:
    secret = "hunter2-hunter2"
    outcome = browsing.step(
        [
            {"open": site.url},
            {"fill": {"at": "label=Password", "value": "{{ PASSWORD }}"}},
            {"fill": {"at": "label=E-mail", "value": "{{ PASSWORD }}"}},
            {"click": "test_id=buy"},
        ],
        secrets={"PASSWORD": secret},
        trace="on_failure",
        wait=0,
        expect=[{"check": "text", "at": "#who", "equals": "somebody"}],
        capture={"who": "#who"},
    )
    assert outcome.state is State.FAILED
    assert secret not in json.dumps(outcome.as_dict())
    assert outcome.captured == {"who": "***"}
    trace = next(one for one in outcome.artifacts if one.name == "trace.zip")
    with zipfile.ZipFile(io.BytesIO(trace.content)) as packed:
        texts = {name: packed.read(name) for name in packed.namelist()}
    assert any(name.endswith("trace.trace") for name in texts)
    assert b"label=E-mail" in b"".join(texts.values()) or b"E-mail" in b"".join(texts.values())
    assert [name for name, text in texts.items() if secret.encode() in text] == []


def test_picture_and_trace_come_when_they_are_asked_for(browsing: Browsing, site: Site) -> None:
    def kept(expect: str, **more: str) -> list[str]:
        check = [{"check": "title", "equals": expect}]
        outcome = browsing.step([{"open": site.url}], wait=0, expect=check, **more)
        return [one.name for one in outcome.artifacts]

    assert kept("Shop", screenshot="on_failure", trace="on_failure") == []
    assert kept("Bar", screenshot="on_failure", trace="on_failure") == ["screenshot.png", "trace.zip"]
    assert kept("Bar", screenshot="never", trace="never") == []
    assert kept("Shop", trace="always") == ["screenshot.png", "trace.zip"]


def test_window_language_and_trace_context(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step([{"open": site.url}], width=390, height=600, language="es-ES")
    picture = next(one for one in outcome.artifacts if one.name == "screenshot.png").content
    assert int.from_bytes(picture[16:20]) == 390
    assert site.headers[0]["Accept-Language"].startswith("es-ES")
    assert outcome.span_id in site.headers[0]["traceparent"]
