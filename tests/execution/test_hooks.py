"""Calls back: from a component through the web and Redis to the step that waits for them."""

import asyncio
import http.server
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment, Variable
from apps.environments.services import encrypt
from apps.execution import hooks, services
from apps.execution.engine.model import CaseOutcome, State, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.registry import Executors
from apps.execution.hooks import StoredCallbacks
from apps.execution.views.hooks import LARGEST
from tests.execution.engine.running import case_of, request_for, run_step
from tests.workers import Worker

KEY = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def own_loop() -> Iterator[None]:
    """Each test has an event loop of its own, and so a client of its own."""
    hooks._async_client.cache_clear()
    kept = redis.Redis.from_url(settings.REDIS_URL)
    yield
    hooks._async_client.cache_clear()
    kept.delete(*([*kept.scan_iter("hook:*")] or ["hook:none"]))


def url(key: str = KEY, rest: str = "") -> str:
    return f"/hooks/{hooks.token_of(key)}{rest}"


def calls(key: str = KEY) -> list[dict[str, Any]]:
    hooks._async_client.cache_clear()
    return asyncio.run(StoredCallbacks().calls(key, 0))


# -- the web -----------------------------------------------------------------------------------------


def test_any_method_is_kept_as_it_came() -> None:
    client = Client(enforce_csrf_checks=True)
    sent = {"state": "paid", "text": "grüße"}
    first = client.post(url(rest="/orders/7?a=1&b=2&b=3"), sent, content_type="application/json", headers={"X-Id": "9"})
    assert (first.status_code, first.json()) == (200, {"received": 1})
    assert client.put(url(rest="/"), b"\xff\xfe", content_type="application/octet-stream").status_code == 200
    for method in ("get", "delete", "patch", "head", "options"):
        assert getattr(client, method)(url()).status_code == 200
    kept = calls()
    assert [call["method"] for call in kept] == ["POST", "PUT", "GET", "DELETE", "PATCH", "HEAD", "OPTIONS"]
    assert (kept[0]["path"], kept[0]["query"]) == ("/orders/7", {"a": "1", "b": ["2", "3"]})
    assert kept[0]["headers"]["X-Id"] == "9"
    assert json.loads(kept[0]["body"]) == sent
    assert kept[1]["body"] == "��"


def test_nothing_is_kept_for_addresses_that_were_not_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    client, token = Client(), hooks.token_of(KEY)
    changed = ("A" if token[5] != "A" else "B").join((token[:5], token[6:]))
    for wrong in (changed, token[:-4], "x", "ä", "%00", token + "AAAA"):
        assert client.post(f"/hooks/{wrong}").status_code == 404, wrong
    later = time.time() + hooks.KEPT + 2 * 3_600
    monkeypatch.setattr("apps.execution.hooks.time.time", lambda: later)
    assert client.post(f"/hooks/{token}").status_code == 404
    assert calls() == []


def test_a_worker_whose_clock_was_set_makes_addresses_that_are_good(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: 0.0)
        token = hooks.token_of(KEY)
    assert Client().post(f"/hooks/{token}").status_code == 200


def test_size_and_number_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    assert client.post(url(), "x" * (LARGEST + 1), content_type="text/plain").status_code == 413
    assert client.post(url(), "x" * LARGEST, content_type="text/plain").status_code == 200
    assert client.get(url(rest="/" + "p" * 4_001), headers={"X-Long": "h" * 9_000}).status_code == 200
    assert (len(calls()[1]["path"]), len(calls()[1]["headers"]["X-Long"])) == (4_000, 4_000)
    monkeypatch.setattr(hooks, "MOST_CALLS", 3)
    assert client.post(url()).status_code == 200
    assert client.post(url()).status_code == 429
    assert len(calls()) == 3
    assert client.post(url(key="f" * 32)).status_code == 200


def test_calls_at_once_do_not_pass_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are on their way before either is kept."""
    together = threading.Barrier(2)

    def encrypted(content: bytes) -> bytes:
        together.wait(timeout=30)
        return encrypt(content)

    monkeypatch.setattr(hooks, "MOST_CALLS", 1)
    monkeypatch.setattr(hooks, "encrypt", encrypted)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: Client().post(url()).status_code, range(2)))
    assert sorted(answers) == [200, 429]
    assert len(calls()) == 1


def test_components_of_a_private_network_call_back_without_tls(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().post(url()).status_code == 200
    assert Client().get("/sign-in/").status_code == 301


def test_what_waits_in_redis_is_encrypted_and_ends() -> None:
    Client().post(url(), "card 4111111111111111", content_type="text/plain")
    raw = redis.Redis.from_url(settings.REDIS_URL)
    kept = raw.lrange(f"hook:{KEY}", 0, -1)
    assert b"4111" not in kept[0]
    assert 0 < raw.ttl(f"hook:{KEY}") <= hooks.KEPT + 3_600


def test_the_web_says_when_it_cannot_keep_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_client", lambda: redis.Redis(port=1))
    assert Client().post(url()).status_code == 503


# -- the step ----------------------------------------------------------------------------------------


def call(name: str, **more: Any) -> dict[str, Any]:
    """A step that calls the address *name*, as a component would."""
    step = {"url": f"{{{{ webhook('{name}') }}}}/told", "method": "POST", **more}
    return {"name": f"Call {name}", "kind": "http", "with": step}


def wait(name: str, expect: list[dict[str, Any]] | None = None, **params: Any) -> dict[str, Any]:
    return {"name": f"Wait for {name}", "kind": "webhook", "with": {"name": name, **params}, "expect": expect or []}


def execute(server: LiveServer, *steps: dict[str, Any], **given: Any) -> CaseOutcome:
    hooks._async_client.cache_clear()

    async def main() -> CaseOutcome:
        async with Executors(EngineSettings(callbacks=StoredCallbacks())) as executors:
            variables = {"INTEGHUB_BASE_URL": server.url}
            return await run_case(request_for(case_of(*steps), variables=variables, **given), executors)

    return asyncio.run(main())


def last(outcome: CaseOutcome) -> StepOutcome:
    return outcome.steps[-1]


def test_a_call_that_came_before_the_step_is_seen(live_server: LiveServer) -> None:
    outcome = execute(
        live_server,
        call("paid", json={"state": "paid", "order": {"id": 7}}, headers={"X-Signature": "abc"}),
        {
            **wait(
                "paid",
                [
                    {"check": "count", "equals": 1},
                    {"check": "calls", "at": "$[0].method", "equals": "POST"},
                    {"check": "calls", "at": "$[0].path", "equals": "/told"},
                    {"check": "json", "at": "$.state", "equals": "paid"},
                    {"check": "header", "at": "x-signature", "equals": "abc"},
                    {"check": "body", "contains": '"id": 7'},
                ],
            ),
            "capture": {"order_id": "$.order.id"},
        },
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"order_id": 7}
    assert last(outcome).response["calls"][0]["json"] == {"state": "paid", "order": {"id": 7}}


def test_a_call_in_xml_is_looked_at_by_xpath(live_server: LiveServer) -> None:
    paid = call("paid", body="<paid><order>7</order></paid>", headers={"Content-Type": "application/xml"})
    outcome = execute(live_server, paid, wait("paid", [{"check": "xml", "at": "/paid/order", "equals": 7}]))
    assert outcome.state is State.PASSED, outcome.message


def test_each_name_has_an_address_of_its_own_and_each_case_has_others(live_server: LiveServer) -> None:
    steps = (call("a"), call("a"), call("b"), wait("a", [{"check": "count", "equals": 2}], count=2), wait("b"))
    first, second = execute(live_server, *steps), execute(live_server, *steps)
    assert (first.state, second.state) == (State.PASSED, State.PASSED), second.message
    addresses = {step.request["url"] for outcome in (first, second) for step in outcome.steps[:3]}
    assert len(addresses) == 4


def test_only_calls_that_fit_count(live_server: LiveServer) -> None:
    outcome = execute(
        live_server,
        *(call("state", json={"state": state}, headers={"X-Number": str(n)}) for n, state in enumerate("aba")),
        wait(
            "state",
            [{"check": "calls", "at": "$[*].json.state", "equals": ["a", "a"]}],
            where={"$.state": "a"},
            count=2,
        ),
        wait("state", [{"check": "json", "at": "$.state", "equals": "b"}], where={"X-Number": 1}),
        wait("state", where={"$.state": "c"}, wait=0.2),
    )
    assert [step.state for step in outcome.steps[3:]] == [State.PASSED, State.PASSED, State.FAILED], outcome.message
    assert last(outcome).message == "0 of 1 calls to “state” with $.state c came within 0.2 s; 3 came in all"


def test_a_duplicate_and_silence_can_be_seen(live_server: LiveServer) -> None:
    one = [{"check": "count", "equals": 1}]
    quiet = execute(
        live_server,
        call("x"),
        wait("x", one, settle=0.1),
        wait("y", [{"check": "count", "equals": 0}], count=0, wait=0.1),
    )
    assert quiet.state is State.PASSED, quiet.message
    twice = execute(live_server, call("x"), call("x"), wait("x", one, settle=0.1))
    assert twice.state is State.FAILED
    assert "2" in twice.message


def test_the_address_is_gone_when_the_case_has_ended(live_server: LiveServer) -> None:
    outcome = execute(live_server, call("paid"), wait("paid"))
    address = outcome.steps[0].request["url"]
    assert Client().post(address.removeprefix(live_server.url)).status_code == 404
    assert [*hooks._client().scan_iter("hook:*")] == [*hooks._client().scan_iter("hook:*:closed")]


def test_an_address_outlives_a_step_for_a_person(live_server: LiveServer) -> None:
    look = {"name": "Look", "kind": "manual", "with": {"instructions": "Look"}}
    steps = (call("paid"), look, wait("paid"))
    waiting = execute(live_server, *steps)
    assert waiting.resume is not None
    resumed = execute(live_server, *steps, start_at=2, captured=json.loads(json.dumps(waiting.resume)))
    assert resumed.state is State.PASSED, resumed.message


def test_secrets_in_a_call_are_masked(live_server: LiveServer) -> None:
    outcome = execute(live_server, call("x", json={"token": "{{ KEY }}"}), wait("x"), secrets={"KEY": "sesame-open-7"})
    assert outcome.state is State.PASSED
    assert "sesame" not in json.dumps([step.as_dict() for step in outcome.steps])


def test_without_a_web_the_step_is_blocked_and_says_why() -> None:
    assert "called back" in run_step("webhook", {"name": "x"}).message
    made = run_step("http", {"url": "{{ webhook('x') }}"})
    assert made.state is State.BLOCKED
    assert "called back" in made.message


# -- the whole way -----------------------------------------------------------------------------------


class Payments(http.server.BaseHTTPRequestHandler):
    """Answers at once, and calls back a moment later."""

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        threading.Timer(0.3, self.tell, [order["callback"]]).start()

    def tell(self, callback: str) -> None:
        told = urllib.request.Request(callback, b'{"state": "paid"}', {"Content-Type": "application/json"})
        urllib.request.urlopen(told, timeout=10).close()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def payments() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Payments)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_a_worker_hears_what_the_web_was_told(
    live_server: LiveServer,
    payments: str,
    environment: Environment,
    make_case: Callable[..., TestCase],
    tester: User,
    tmp_path: Path,
) -> None:
    Variable.objects.create(environment=environment, name="INTEGHUB_BASE_URL", value=live_server.url)
    pay = {"method": "POST", "url": payments, "json": {"callback": "{{ webhook('paid') }}"}}
    told = wait("paid", [{"check": "json", "at": "$.state", "equals": "paid"}])
    case = make_case(definition={"steps": [{"name": "Pay", "kind": "http", "with": pay}, told]})
    with Worker(tmp_path / "worker.log"):
        run = services.start_run(system=environment.system, environment=environment, cases=[case], started_by=tester)
        ends = time.monotonic() + 30
        while run.executions.get().state in {"queued", "running"} and time.monotonic() < ends:
            time.sleep(0.1)
    assert run.executions.get().state == "passed", run.executions.get().message
