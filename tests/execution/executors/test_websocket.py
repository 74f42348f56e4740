"""WebSockets against a real server."""

import asyncio
import base64
import socket
from collections.abc import Callable
from typing import Any

import pytest

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for, run, run_step
from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.http import HttpServer
from tests.execution.executors.servers.web import InThread
from tests.execution.executors.servers.websockets import SocketServer


def talk(url: str, *exchange: dict[str, Any], params: dict[str, Any] | None = None, **more: Any) -> StepOutcome:
    return run_step("websocket", {"url": url, "exchange": list(exchange), **(params or {})}, **more)


def test_what_is_sent_arrives_and_what_comes_can_be_checked(socket_server: SocketServer) -> None:
    outcome = talk(
        f"{socket_server.url}/orders?a=1",
        {"receive": {}},
        {"send": "grüße {{ who }}"},
        {"json": {"quantity": "{{ quantity }}"}},
        {"base64": base64.b64encode(b"\x00\xff").decode()},
        {"receive": {"count": 3}},
        params={"headers": {"X-Shop": "7"}, "subprotocols": ["orders.v2", "orders.v1"]},
        row={"who": "Ann", "quantity": 3},
        expect=[
            {"check": "messages", "count": 4},
            {"check": "messages", "at": "$[0].json.hello", "equals": True},
            {"check": "messages", "at": "$[1].text", "equals": "grüße Ann"},
            {"check": "messages", "at": "$[2].json.quantity", "equals": 3},
            {"check": "messages", "at": "$[3].base64", "equals": "AP8="},
            {"check": "subprotocol", "equals": "orders.v2"},
            {"check": "header", "at": "Upgrade", "equals": "websocket"},
            {"check": "close_code", "equals": 1000},
            {"check": "duration", "below": 5000},
        ],
        capture={"number": "$[2].json.quantity"},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"number": 3}
    assert socket_server.received == ["grüße Ann", '{"quantity": 3}', b"\x00\xff"]
    assert socket_server.requests[0].path == "/orders?a=1"
    headers = socket_server.requests[0].headers
    assert headers["X-Shop"] == "7"
    assert headers["traceparent"].endswith("-01")
    assert headers.get_all("User-Agent") == ["IntegHub/1"]
    assert outcome.response["messages"][1]["text"] == "grüße Ann"
    parts = outcome.timings
    named = sum(parts[name] for name in ("dns", "connect", "first_byte", "transfer"))
    assert named == pytest.approx(parts["total"], abs=0.01)


def test_receiving_ends_with_a_match(socket_server: SocketServer) -> None:
    ticks = {"json": {"ticks": 5}}
    by_where = talk(socket_server.url, ticks, {"receive": {"where": {"state": "paid"}}})
    assert [one["json"].get("tick") for one in by_where.response["messages"]] == [None, 0, 1, 2]
    by_pattern = talk(socket_server.url, ticks, {"receive": {"until": r'"tick": [13]', "count": 2}})
    assert by_pattern.response["messages"][-1]["json"]["tick"] == 3
    for_a_time = talk(
        socket_server.url,
        {"receive": {}},
        {"receive": {"wait": 0.15}},
        expect=[{"check": "messages", "count": 1}],
    )
    assert for_a_time.state is State.PASSED, for_a_time.message


def test_what_does_not_come_fails_and_shows_what_came(socket_server: SocketServer) -> None:
    late = talk(socket_server.url, {"json": {"ticks": 2}}, {"receive": {"where": {"tick": 9}, "wait": 0.3}})
    assert late.state is State.FAILED
    assert "exchange[1]: 0 of 1 messages with tick 9 came (3 came in all) within 0.3 s" in late.message
    assert len(late.response["messages"]) == 3
    step_limit = talk(socket_server.url, {"receive": {"count": 2}}, timeout=0.3)
    assert step_limit.message == "exchange[0]: 1 of 2 messages came within 0.3 s"
    assert len(step_limit.response["messages"]) == 1


def test_the_other_side_may_close(socket_server: SocketServer) -> None:
    close = {"json": {"close": 4001, "reason": "not yours"}}
    told = talk(
        socket_server.url,
        close,
        {"closed": 5},
        expect=[{"check": "close_code", "equals": 4001}, {"check": "close_reason", "equals": "not yours"}],
    )
    assert told.state is State.PASSED, told.message
    early = talk(socket_server.url, close, {"receive": {"count": 2}})
    assert early.state is State.FAILED
    assert (
        early.message == "exchange[1]: 1 of 2 messages came; the other side closed the connection with 4001 “not yours”"
    )
    vanished = talk(socket_server.url, {"json": {"vanish": 1}}, {"receive": {"count": 2}})
    assert "without a word" in vanished.message
    stays = talk(socket_server.url, {"closed": 0.1})
    assert "did not close the connection within 0.1 s" in stays.message


def test_a_refusal_is_an_answer_that_can_be_checked(socket_server: SocketServer) -> None:
    url = f"{socket_server.url}/private"
    refused = talk(url, {"receive": {}})
    assert refused.state is State.FAILED
    assert "401" in refused.message
    assert refused.response["body"] == "sign in first"
    wanted = [{"check": "status", "equals": 401}, {"check": "header", "at": "www-authenticate", "equals": "Bearer"}]
    assert talk(url, {"receive": {}}, expect=wanted).state is State.PASSED


def test_a_redirect_is_not_followed(socket_server: SocketServer) -> None:
    outcome = talk(f"{socket_server.url}/to?ws://169.254.169.254/", {"receive": {}})
    assert outcome.state is State.FAILED
    assert "302" in outcome.message
    assert len(socket_server.requests) == 1


def test_tls_is_verified_and_a_client_certificate_shown(socket_server: SocketServer, authority: Authority) -> None:
    refused = talk(socket_server.tls_url, {"receive": {}})
    assert refused.state is State.FAILED
    assert "certificate" in refused.message
    trusted = talk(socket_server.tls_url, {"receive": {}}, params={"ca": authority.pem})
    assert trusted.state is State.PASSED, trusted.message
    assert trusted.timings["tls"] > 0
    assert talk(socket_server.tls_url, {"receive": {}}, params={"verify": False}).state is State.PASSED
    key, certificate = (part.decode() for part in authority.pair("client-9"))
    client = {"ca": authority.pem, "client": {"certificate": certificate, "key": "{{ KEY }}"}}
    shown = talk(socket_server.tls_url, {"receive": {}}, params=client, secrets={"KEY": key})
    assert shown.state is State.PASSED, shown.message
    wrong = talk(socket_server.tls_url, params={"client": {"certificate": certificate}})
    assert wrong.state is State.BLOCKED
    assert "client certificate" in wrong.message
    assert talk(socket_server.tls_url, params={"ca": "no PEM"}).state is State.BLOCKED


def test_no_key_stays_on_the_disk(
    socket_server: SocketServer, authority: Authority, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    key, certificate = (part.decode() for part in authority.pair("client-9"))
    client = {"ca": authority.pem, "client": {"certificate": certificate, "key": key}}
    assert talk(socket_server.tls_url, {"receive": {}}, params=client).state is State.PASSED
    assert list(tmp_path.iterdir()) == [tmp_path / "localhost.pem"]


def test_denied_addresses_are_not_connected_to(socket_server: SocketServer) -> None:
    for url in ("ws://169.254.169.254/", "ws://[::ffff:169.254.169.254]/", "wss://[fd00:ec2::254]/"):
        outcome = talk(url, timeout=2)
        assert outcome.state is State.BLOCKED, url
        assert "denied" in outcome.message
    name = socket_server.url.replace("127.0.0.1", "localhost")
    settings = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.0/8", "::1"]))
    assert talk(name, settings=settings).state is State.BLOCKED
    assert socket_server.requests == []


def test_the_proxy_of_the_worker_is_not_used(socket_server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert talk(socket_server.url, {"receive": {}}).state is State.PASSED


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "ws://", "/live", "ws://127.0.0.1:99999/", "ws://127.0.0.1/#part", "ws://[bad"]
)
def test_what_is_no_address_blocks(url: str) -> None:
    outcome = talk(url)
    assert outcome.state is State.BLOCKED, outcome.message
    assert "URL" in outcome.message


def test_who_does_not_answer_or_speaks_otherwise_fails(http_server: HttpServer, thread: InThread) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        nobody = talk(f"ws://127.0.0.1:{port}/")
        assert nobody.state is State.FAILED
        assert f"127.0.0.1:{port}" in nobody.message
    plain = talk(http_server.url.replace("http", "ws") + "/echo", {"receive": {}})
    assert plain.state is State.FAILED
    assert "200" in plain.message
    silent = thread.do(asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0))
    port = silent.sockets[0].getsockname()[1]
    outcome = talk(f"ws://127.0.0.1:{port}/", timeout=0.2)
    assert f"no WebSocket at 127.0.0.1:{port} within 0.2 s" in outcome.message


def test_cookies_of_the_case_open_the_socket(socket_server: SocketServer, cookie_url: str) -> None:
    sign_in = {"name": "in", "kind": "http", "with": {"url": f"{cookie_url}/in"}}
    live = {"name": "live", "kind": "websocket", "with": {"url": f"{socket_server.url}/live"}}
    without = {**live, "with": {**live["with"], "cookies": False}}
    elsewhere = {**live, "with": {"url": socket_server.url.replace("127.0.0.1", "localhost")}}
    outcome = run(case_of(sign_in, live, without, elsewhere))
    assert outcome.state is State.PASSED, outcome.message
    sent = [request.headers.get("Cookie") for request in socket_server.requests]
    assert sent == ["session=ann", None, None]


def test_too_much_ends_the_conversation(socket_server: SocketServer) -> None:
    flood = {"json": {"ticks": 100000, "every": 0}}
    many = talk(socket_server.url, flood, {"receive": {"count": 90000}}, settings=EngineSettings(rows=50))
    assert many.state is State.FAILED
    assert len(many.response["messages"]) == 50
    large = talk(
        socket_server.url, {"send": "x" * 3000}, {"receive": {"count": 2}}, settings=EngineSettings(body_read=2000)
    )
    assert large.state is State.FAILED


async def until(there: Callable[[], Any]) -> None:
    for _ in range(500):
        if there():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come")


def test_a_cancelled_conversation_closes_its_connection(socket_server: SocketServer) -> None:
    async def main() -> None:
        async with Executors() as executors:
            waits = {"name": "s", "kind": "websocket", "with": {"url": socket_server.url, "exchange": [{"closed": 60}]}}
            task = asyncio.create_task(run_case(request_for(case_of(waits)), executors))
            await until(lambda: socket_server.requests)
            await asyncio.sleep(0.05)
            task.cancel()
            assert (await task).state is State.CANCELLED
            await until(lambda: socket_server.closed)

    asyncio.run(main())
