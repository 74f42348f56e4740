"""Trying one step from the editor: on a real worker, once, with secrets masked, and only for who asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.environments.models import Environment, Variable
from apps.environments.services import set_secret
from apps.execution import trying
from apps.systems.models import System
from tests.workers import Worker

URL = "/s/shop/cases/try-step/"


class Seam(BaseHTTPRequestHandler):
    """Answers every request with what it was sent, and counts."""

    count = 0

    def do_GET(self) -> None:
        type(self).count += 1
        body = json.dumps({"path": self.path, "token": "t0p-s3cret-token", "seen": self.headers.get("X-Token", "")})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def seam() -> Iterator[str]:
    Seam.count = 0
    server = HTTPServer(("127.0.0.1", 0), Seam)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(sign_in: Callable[[User], Client], tester: User) -> Client:
    return sign_in(tester)


def step(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "Ask", "kind": "http", "with": {"url": url}, **more}


def ask(client: Client, tried: Any, **more: Any) -> Any:
    body = {"environment": "local", "step": tried, "session": "s1", **more}
    return client.post(URL, json.dumps(body), content_type="application/json")


def result(client: Client, answer: Any) -> str:
    """The part of the page with the outcome, asked for as the page does."""
    assert answer.status_code == 200, answer.content
    path = answer.content.decode().split('hx-get="')[1].split('"')[0]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        text = client.get(path).content.decode()
        if "try-waiting" not in text:
            return text
        time.sleep(0.1)
    pytest.fail("no answer")


@pytest.mark.django_db(transaction=True)
def test_steps_run_on_a_worker_and_hand_on_what_they_captured_with_secrets_masked(
    page: Client, environment: Environment, lead: User, seam: str, tmp_path: Path
) -> None:
    set_secret(environment, "SEAM", seam, by=lead)
    first = step(
        "{{ SEAM }}/orders/{{ sku }}",
        expect=[{"check": "json", "at": "$.path", "equals": "/orders/CUP-1"}],
        capture={"token": {"from": "json", "at": "$.token", "secret": True}, "path": {"from": "json", "at": "$.path"}},
    )
    second = step("{{ SEAM }}{{ path }}", expect=[{"check": "json", "at": "$.seen", "equals": "t0p-s3cret-token"}])
    second["with"]["headers"] = {"X-Token": "{{ token }}"}

    with Worker(tmp_path / "worker.log"):
        one = result(page, ask(page, first, row={"sku": "CUP-1"}))
        two = result(page, ask(page, second))
        broken = result(page, ask(page, step("http://127.0.0.1:9/")))

    assert 'data-state="passed"' in one
    assert 'data-state="passed"' in two
    assert 'data-state="failed"' in broken
    for text in (one, two):
        assert "t0p-s3cret-token" not in text
        assert seam not in text
    assert Seam.count == 2


def test_cookies_and_addresses_go_on_from_try_to_try(
    environment: Environment, tester: User, live_server: LiveServer
) -> None:
    Variable.objects.create(environment=environment, name="INTEGHUB_BASE_URL", value=live_server.url)
    tell = {"name": "Tell", "kind": "http", "with": {"method": "POST", "url": "{{ webhook('paid') }}"}}
    hear: dict[str, Any] = {"name": "Hear", "kind": "webhook", "with": {"name": "paid", "wait": 0.2}}
    states = []
    for tried in (tell, hear, hear | {"with": {"name": "other", "wait": 0.1}}, hear, tell, hear):
        ticket = trying.ask(environment, tried, row={}, session="s", user_id=tester.pk)
        trying.answer(ticket)
        found = trying.look(ticket, user_id=tester.pk, environments={environment.pk})
        assert found is not None
        assert found.outcome is not None
        states.append(found.outcome["state"])

    assert states == ["passed", "passed", "failed", "failed", "passed", "passed"]


def test_a_ticket_delivered_twice_runs_once(environment: Environment, tester: User, seam: str) -> None:
    ticket = trying.ask(environment, step(seam), row={}, session="", user_id=tester.pk)

    trying.answer(ticket)
    trying.answer(ticket)

    assert Seam.count == 1
    found = trying.look(ticket, user_id=tester.pk, environments={environment.pk})
    assert found is not None
    assert found.outcome is not None
    assert found.outcome["state"] == "passed"


def test_only_who_asked_sees_the_answer(
    page: Client, sign_in: Callable[[User], Client], lead: User, outsider: User, environment: Environment
) -> None:
    path = ask(page, step("http://127.0.0.1:9")).content.decode().split('hx-get="')[1].split('"')[0]

    assert page.get(path).status_code == 200
    assert sign_in(lead).get(path).status_code == 404
    assert sign_in(outsider).get(path).status_code == 404
    assert page.get(f"{URL}unknown/").status_code == 404


def test_viewers_try_nothing(sign_in: Callable[[User], Client], viewer: User, environment: Environment) -> None:
    assert ask(sign_in(viewer), step("http://127.0.0.1:9")).status_code == 403


@pytest.mark.parametrize(
    ("tried", "field"),
    [
        ({"name": "A", "kind": "htpp"}, "kind"),
        ({"name": "A", "kind": "http", "with": {"url": ""}}, "with.url"),
        (None, ""),
    ],
    ids=["unknown kind", "no address", "nothing"],
)
def test_a_step_that_is_not_valid_is_refused_with_its_place(
    page: Client, environment: Environment, tried: Any, field: str
) -> None:
    answer = ask(page, tried)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_half_a_character_is_refused_before_it_is_a_step(page: Client, environment: Environment) -> None:
    answer = ask(page, {"name": "\ud800", "kind": "http", "with": {"url": "http://x"}})

    assert answer.status_code == 400
    assert "half a character" in answer.json()["detail"]


def test_a_step_is_tried_before_it_has_a_name(page: Client, environment: Environment) -> None:
    unnamed = step("http://127.0.0.1:9") | {"name": ""}

    assert ask(page, unnamed).status_code == 200


def test_a_persons_step_cannot_be_tried(page: Client, environment: Environment) -> None:
    manual = {"name": "Look", "kind": "manual", "with": {"instructions": "Look"}}

    assert ask(page, manual).json()["type"].endswith("by-person")


def test_nobody_keeps_the_workers_busy_with_tries(
    page: Client, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "MOST", 2)
    monkeypatch.setattr(trying.time, "time", lambda: 1_000_000_020.0)  # no minute ends meanwhile

    answers = [ask(page, step("http://127.0.0.1:9/")) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["type"] == "urn:integhub:too-many-tries"


def test_an_environment_of_another_system_is_unknown(page: Client, system: System, outsider: User) -> None:
    Environment.objects.create(system=System.objects.get(slug="other"), name="Local", slug="local")

    assert ask(page, step("http://127.0.0.1:9")).status_code == 422


def test_a_try_that_no_worker_takes_says_which_queue_is_not_read(
    page: Client, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.queue = "env.private"
    environment.save()
    path = ask(page, step("http://127.0.0.1:9")).content.decode().split('hx-get="')[1].split('"')[0]
    monkeypatch.setattr(trying, "WAITS", -1)

    assert "env.private" in page.get(path).content.decode()


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    cache.clear()


def test_the_picture_of_a_try_is_only_for_who_asked(
    page: Client, sign_in: Callable[[User], Client], lead: User, tester: User, environment: Environment
) -> None:
    job = {"user": tester.pk, "environment": environment.pk, "name": "Local", "queue": "execution", "at": time.time()}
    cache.set("try:job:ticket", job, 60)
    assert page.get(URL + "ticket/picture/").status_code == 404
    cache.set("try:picture:ticket", b"\x89PNG", 60)
    answer = page.get(URL + "ticket/picture/")
    assert (answer.content, answer["Content-Type"]) == (b"\x89PNG", "image/png")
    assert sign_in(lead).get(URL + "ticket/picture/").status_code == 404
