"""What steps of the web may not reach, however it is spelled and wherever the name leads meanwhile."""

import asyncio
import socket
from typing import Any

import pytest

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import State
from apps.execution.engine.settings import EngineSettings
from tests.execution.engine.running import run_step
from tests.execution.executors.servers.http import HttpServer
from tests.execution.executors.servers.websockets import SocketServer

METADATA = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "safe.example@169.254.169.254",
    "169.254.169.254:80",
]  # fmt: skip


@pytest.mark.parametrize("host", METADATA)
def test_the_metadata_service_is_denied_however_it_is_spelled(host: str) -> None:
    http = run_step("http", {"url": f"http://{host}/latest/"}, timeout=3)
    assert http.state is State.BLOCKED, http.message
    assert "denied" in http.message
    assert run_step("websocket", {"url": f"ws://{host}/"}, timeout=3).state is State.BLOCKED


@pytest.mark.parametrize("host", METADATA)
def test_a_redirect_to_it_is_denied_too(http_server: HttpServer, host: str) -> None:
    step = {"url": f"{http_server.url}/redirect?to=http://{host}/latest/", "follow_redirects": True}
    outcome = run_step("http", step, timeout=3)
    assert outcome.state is State.BLOCKED, outcome.message


def test_a_second_name_of_a_denied_address_does_not_help(http_server: HttpServer) -> None:
    port = http_server.url.rpartition(":")[2]
    settings = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.2"]))
    step = {"url": f"{http_server.url}/redirect?to=http://127.0.0.2:{port}/echo", "follow_redirects": True}
    outcome = run_step("http", step, settings=settings)
    assert outcome.state is State.BLOCKED
    assert "127.0.0.2" in outcome.message


def test_a_name_that_changes_its_address_after_the_check_leads_nowhere_else(
    socket_server: SocketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was checked is the one that is connected to: nobody asks the name service again."""
    port = int(socket_server.url.rpartition(":")[2])
    answers = ["127.0.0.1", "169.254.169.254", "169.254.169.254"]
    asked = []

    async def rebinding(_loop: Any, host: str, _port: int, **_options: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[len(asked) - 1], port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebinding)
    outcome = run_step("websocket", {"url": f"ws://rebinding.example:{port}/", "exchange": [{"receive": {}}]})
    assert outcome.state is State.PASSED, outcome.message
    assert asked == ["rebinding.example"]
    assert socket_server.requests[0].headers["Host"] == f"rebinding.example:{port}"


def test_a_name_with_a_permitted_and_a_denied_address_reaches_the_permitted_one_only(
    socket_server: SocketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(socket_server.url.rpartition(":")[2])

    async def both(_loop: Any, _host: str, _port: int, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("169.254.169.254", "127.0.0.1")]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", both)
    assert run_step("websocket", {"url": f"ws://both.example:{port}/"}, timeout=3).state is State.PASSED
    proxied = run_step("http", {"url": "http://both.example/", "proxy": f"http://127.0.0.1:{port}"}, timeout=3)
    assert proxied.state is State.BLOCKED  # the proxy might choose the other one
