"""Requests through a proxy, and what may not be reached through one."""

import asyncio
import socket
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import State
from apps.execution.engine.settings import EngineSettings
from tests.execution.engine.running import run_step
from tests.execution.executors.servers.http import HttpServer
from tests.execution.executors.servers.web import Proxy, SocksProxy
from tests.execution.executors.test_http import echoed


def test_requests_and_tunnels_go_through_the_proxy(http_server: HttpServer, proxy: Proxy) -> None:
    plain = run_step("http", {"url": f"{http_server.url}/echo?a=1", "proxy": proxy.url})
    assert echoed(plain)["query"] == {"a": ["1"]}
    assert proxy.seen == [f"GET {http_server.url}/echo?a=1 HTTP/1.1"]
    step = {"url": f"{http_server.tls_url}/echo", "ca": http_server.ca_pem, "proxy": "{{ PROXY }}"}
    secure = run_step(
        "http",
        step,
        variables={"PROXY": proxy.url},
        expect=[{"check": "header", "at": "X-Proxy", "exists": False}, {"check": "redirects", "count": 0}],
    )
    assert secure.state is State.PASSED, secure.message
    assert proxy.seen[1].startswith("CONNECT localhost:")


def test_the_password_of_the_proxy_is_used(http_server: HttpServer, proxy: Proxy) -> None:
    url = proxy.url.replace("://", "://ann:secret@")
    assert run_step("http", {"url": f"{http_server.url}/echo", "proxy": url}).state is State.PASSED
    assert proxy.credentials == ["Basic YW5uOnNlY3JldA=="]


def test_no_proxy_is_used_when_the_variable_is_empty(http_server: HttpServer, proxy: Proxy) -> None:
    step = {"url": f"{http_server.url}/echo", "proxy": "{{ PROXY }}"}
    assert run_step("http", step, variables={"PROXY": ""}).state is State.PASSED
    assert proxy.seen == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:3128", "file:///etc"])
def test_what_is_no_proxy_blocks(http_server: HttpServer, url: str) -> None:
    outcome = run_step("http", {"url": f"{http_server.url}/echo", "proxy": url})
    assert outcome.state is State.BLOCKED
    assert "socks5h://" in outcome.message


def test_neither_the_proxy_nor_what_is_behind_it_may_be_a_denied_address(http_server: HttpServer, proxy: Proxy) -> None:
    step = {"url": f"{http_server.url}/echo", "proxy": proxy.url}
    no_proxy = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.1"]))
    assert run_step("http", step, settings=no_proxy).state is State.BLOCKED
    for denied in ("http://169.254.169.254/latest/", "http://[fd00:ec2::254]/", "http://0251.0376.0251.0376/"):
        outcome = run_step("http", {"url": denied, "proxy": proxy.url})
        assert outcome.state is State.BLOCKED, denied
        assert "denied" in outcome.message
    assert proxy.seen == []


@pytest.mark.parametrize(
    "place",
    [
        "http:///169.254.169.254/",  # for libcurl three slashes are two
        "http://169.254.169.%32%35%34/",
        "http://169.254.169.254./",
        "http://[::ffff:a9fe:a9fe%25lo]/",
        "http://[fe80::1%25eth0]/",
        "http://[64:ff9b:1::a9fe:a9fe]/",
        "http://127.0.0.1@127.0.0.1@169.254.169.254/",
        "http://169.254.169.254\\@127.0.0.1/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://METADATA.google.internal./",
    ],
)
def test_no_way_of_writing_an_address_hides_it_from_the_check(
    place: str, http_server: HttpServer, proxy: Proxy
) -> None:
    outcome = run_step("http", {"url": place, "proxy": proxy.url}, timeout=2)
    assert outcome.state is State.BLOCKED, outcome.message
    assert proxy.seen == []
    moved = f"{http_server.url}/redirect-post?to={quote(place, safe='')}"
    followed = run_step("http", {"method": "POST", "url": moved, "follow_redirects": True, "proxy": proxy.url})
    assert followed.state is not State.PASSED
    assert all("redirect-post" in line or "127.0.0.1" in line for line in proxy.seen), proxy.seen


@pytest.mark.parametrize("wrong", ["http://[bad/", "http://127.0.0.1:99999/", "http://127.0.0.1:port/"])
def test_a_redirect_to_what_is_no_address_is_a_failure_of_the_other_side(
    wrong: str, http_server: HttpServer, proxy: Proxy
) -> None:
    step = {"method": "POST", "url": f"{http_server.url}/redirect-post?to={quote(wrong, safe='')}"}
    for way in ({}, {"proxy": proxy.url}):
        outcome = run_step("http", {**step, "follow_redirects": True, **way})
        assert outcome.state is State.FAILED, outcome.message
        assert "redirect" in outcome.message
        assert outcome.response["status"] in (301, 302, 303)


def test_a_name_that_only_the_proxy_knows_passes_unless_all_must_be_allowed(proxy: Proxy) -> None:
    step = {"url": "http://only-the-proxy-knows.invalid/", "proxy": proxy.url}
    assert run_step("http", step, timeout=2).state is State.FAILED
    assert len(proxy.seen) == 1
    strict = EngineSettings(egress=EgressPolicy.of(allow=["127.0.0.0/8"], only_allowed=True))
    assert run_step("http", step, settings=strict, timeout=2).state is State.BLOCKED
    assert len(proxy.seen) == 1


def test_redirects_behind_a_proxy_are_followed_and_checked(http_server: HttpServer, proxy: Proxy) -> None:
    step = {"method": "POST", "json": {"a": 1}, "follow_redirects": True, "proxy": proxy.url}
    target = f"{http_server.url}/redirect-post?to=/echo"
    outcome = run_step("http", {**step, "url": target}, expect=[{"check": "redirects", "count": 1}])
    assert outcome.state is State.PASSED, outcome.message
    seen = echoed(outcome)
    assert (seen["method"], seen["body"]) == ("GET", "")
    assert "Content-Type" not in seen["headers"]
    assert outcome.response["url"] == f"{http_server.url}/echo"
    before = len(proxy.seen)
    inside = run_step("http", {**step, "url": f"{http_server.url}/redirect-post?to=http://169.254.169.254/"})
    assert inside.state is State.BLOCKED
    assert "denied" in inside.message
    assert len(proxy.seen) == before + 1
    endless = run_step("http", {**step, "url": f"{http_server.url}/redirect-post?to=/endless"})
    assert "redirects more than 10 times" in endless.message
    other = run_step("http", {**step, "url": f"{http_server.url}/redirect-post?to=ftp://127.0.0.1/"})
    assert "not HTTP" in other.message


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What our look-up of names finds; libcurl does its own, and finds localhost at 127.0.0.1."""
    addresses: list[str] = []

    async def look_up(_loop: Any, host: str, port: int, **_: Any) -> list[Any]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", look_up)
    return addresses


def test_a_socks_proxy_is_asked_for_the_address_that_was_checked(
    http_server: HttpServer, socks_proxy: SocksProxy, found: list[str]
) -> None:
    """The name may have another one when it is looked up again."""
    found += ["127.0.0.2", "127.0.0.3"]
    url = http_server.tls_url
    assert urlsplit(url).hostname == "localhost"
    step = {"url": f"{url}/echo", "ca": http_server.ca_pem, "proxy": socks_proxy.url}
    outcome = run_step("http", step)
    assert echoed(outcome)["headers"]["Host"] == urlsplit(url).netloc
    assert socks_proxy.asked == ["127.0.0.2"]

    found[:] = ["::1"]
    assert run_step("http", step).state is State.PASSED
    assert socks_proxy.asked == ["127.0.0.2", "::1"]

    found.append("169.254.169.254")
    assert run_step("http", step).state is State.BLOCKED
    assert len(socks_proxy.asked) == 2


def test_redirects_behind_a_socks_proxy_go_where_they_were_checked_too(
    http_server: HttpServer, socks_proxy: SocksProxy, found: list[str]
) -> None:
    found.append("127.0.0.2")
    moved = f"{http_server.url}/redirect-post?to={http_server.url.replace('127.0.0.1', 'localhost')}/echo"
    step = {"method": "POST", "url": moved, "follow_redirects": True, "proxy": socks_proxy.url}
    outcome = run_step("http", step, expect=[{"check": "redirects", "count": 1}])
    assert outcome.state is State.PASSED, outcome.message
    assert socks_proxy.asked == ["127.0.0.2", "127.0.0.2"]


def test_a_name_that_was_not_found_is_not_looked_up_again_for_a_socks_proxy(
    http_server: HttpServer, socks_proxy: SocksProxy, found: list[str]
) -> None:
    outcome = run_step("http", {"url": f"{http_server.tls_url}/echo", "proxy": socks_proxy.url})
    assert outcome.state is State.FAILED
    assert outcome.message.startswith("the name localhost is not known")
    assert outcome.request["url"] == f"{http_server.tls_url}/echo"
    assert (found, socks_proxy.asked) == ([], [])


def test_a_socks_proxy_that_looks_up_names_itself_is_asked_for_the_name(
    http_server: HttpServer, socks_proxy: SocksProxy
) -> None:
    url = http_server.url.replace("127.0.0.1", "localhost")
    step = {"url": f"{url}/echo", "proxy": socks_proxy.url.replace("socks5:", "socks5h:")}
    assert run_step("http", step).state is State.PASSED
    assert socks_proxy.asked == ["localhost"]
