"""Versions of HTTP, client certificates, sign-in, and where the time goes."""

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from apps.execution.engine.model import State, StepOutcome
from tests.execution.engine.running import case_of, run, run_step
from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.http import HttpServer
from tests.execution.executors.servers.web import Http2Server, Proxy
from tests.execution.executors.test_http import echoed

PARTS = ("dns", "connect", "tls", "first_byte", "transfer")


def test_http_2_by_negotiation_and_without_tls(http2_server: Http2Server, authority: Authority) -> None:
    secure = {"url": http2_server.tls_url, "ca": authority.pem}
    both = [{"check": "version", "equals": "2"}, {"check": "json", "at": "$.version", "equals": "2"}]
    for params in (secure, {**secure, "http_version": "2"}, {"url": http2_server.url, "http_version": "2"}):
        outcome = run_step("http", params, expect=both)
        assert outcome.state is State.PASSED, outcome.message
    for version in ("1.1", "1.0"):
        older = run_step("http", {**secure, "http_version": version})
        assert older.response["version"] == "1.1", older.message


def test_the_server_need_not_speak_the_wanted_version(http_server: HttpServer) -> None:
    step = {"url": f"{http_server.tls_url}/echo", "ca": http_server.ca_pem, "http_version": "2"}
    outcome = run_step("http", step, expect=[{"check": "version", "equals": "2"}])
    assert outcome.state is State.FAILED
    assert "1.1" in outcome.message


def test_a_client_certificate_is_shown_to_the_server_only_by_its_step(mutual_url: str, authority: Authority) -> None:
    key, certificate = (part.decode() for part in authority.pair("client-7"))
    base = {"name": "s", "kind": "http", "with": {"url": f"{mutual_url}/who", "ca": authority.pem}}
    with_client = {
        **base,
        "with": {**base["with"], "client": {"certificate": "{{ CERT }}", "key": "{{ KEY }}"}},
        "expect": [{"check": "json", "at": "$.client", "equals": "client-7"}],
    }
    first, second = run(
        case_of(with_client, {**base, "optional": True}), variables={"CERT": certificate}, secrets={"KEY": key}
    ).steps
    assert first.state is State.PASSED, first.message
    assert second.state is State.FAILED
    assert "PRIVATE" not in str(first.as_dict())
    assert not second.response


def test_one_text_may_hold_key_and_certificate_and_the_key_a_password(mutual_url: str, authority: Authority) -> None:
    key, certificate = authority.pair("client-8")
    locked = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")
    )
    params = {"url": f"{mutual_url}/who", "ca": authority.pem}
    together = {"certificate": (key + certificate).decode()}
    assert run_step("http", {**params, "client": together}).state is State.PASSED
    opened = {"certificate": certificate.decode(), "key": locked.decode(), "password": "open sesame"}
    assert run_step("http", {**params, "client": opened}).state is State.PASSED
    for wrong in ({**opened, "password": "no"}, {"certificate": "no PEM"}, {"certificate": certificate.decode()}):
        outcome = run_step("http", {**params, "client": wrong})
        assert outcome.state is State.BLOCKED
        assert "client certificate" in outcome.message


def test_sign_in_is_sent_and_not_shown(http_server: HttpServer) -> None:
    url = f"{http_server.url}/echo"
    basic = run_step("http", {"url": url, "auth": {"username": "ann", "password": "pässword"}})
    assert echoed(basic)["headers"]["Authorization"] == "Basic YW5uOnDDpHNzd29yZA=="
    assert basic.request["headers"]["Authorization"] == "Basic ***"
    bearer = run_step("http", {"url": url, "auth": {"bearer": "{{ token }}"}}, row={"token": "t-123456"})
    assert echoed(bearer)["headers"]["Authorization"] == "Bearer t-123456"
    assert bearer.request["headers"]["Authorization"] == "Bearer ***"
    own = run_step("http", {"url": url, "auth": {"bearer": "x"}, "headers": {"authorization": "Own y"}})
    assert echoed(own)["headers"]["Authorization"] == "Own y"
    assert run_step("http", {"url": url, "auth": {"password": "x"}}).state is State.BLOCKED


def test_sign_in_stays_with_its_host(http_server: HttpServer) -> None:
    other = http_server.url.replace("127.0.0.1", "localhost")
    step = {"url": f"{http_server.url}/redirect?to={other}/echo", "follow_redirects": True, "auth": {"bearer": "x"}}
    assert "Authorization" not in echoed(run_step("http", step))["headers"]


def test_redirects_are_shown_one_by_one(http_server: HttpServer) -> None:
    step = {"url": f"{http_server.url}/redirect?to=/redirect?to=/echo", "follow_redirects": True}
    outcome = run_step(
        "http",
        step,
        expect=[
            {"check": "redirects", "count": 2},
            {"check": "redirects", "at": "$[*].status", "equals": [302, 302]},
            {"check": "redirects", "at": "$[1].location", "equals": "/echo"},
        ],
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.response["redirects"][1]["url"] == f"{http_server.url}/redirect?to=/echo"
    assert outcome.response["url"] == f"{http_server.url}/echo"


def adds_up(outcome: StepOutcome) -> None:
    assert outcome.state is State.PASSED, outcome.message
    timings = outcome.timings
    assert all(timings[part] >= 0 for part in PARTS)
    assert sum(timings[part] for part in PARTS) == pytest.approx(timings["total"], abs=0.01)


def test_the_parts_of_the_time_add_up(
    http_server: HttpServer, http2_server: Http2Server, authority: Authority, proxy: Proxy
) -> None:
    slow = f"{http_server.url}/slow?seconds=0.05"
    plain = {"name": "s", "kind": "http", "with": {"url": slow}}
    fresh, reused = run(case_of(plain, plain)).steps
    for outcome in (fresh, reused):
        adds_up(outcome)
        assert outcome.timings["first_byte"] >= 45
    assert (reused.timings["dns"], reused.timings["tls"]) == (0, 0) or reused.timings["connect"] < 1
    secure = run_step("http", {"url": f"{http_server.tls_url}/echo", "ca": http_server.ca_pem})
    adds_up(secure)
    assert secure.timings["tls"] > 0
    adds_up(run_step("http", {"url": http2_server.tls_url, "ca": authority.pem}))
    hops = run_step("http", {"url": f"{http_server.url}/redirect?to={slow}", "follow_redirects": True})
    adds_up(hops)
    assert hops.timings["first_byte"] >= 45
    adds_up(run_step("http", {"url": slow, "proxy": proxy.url}))
