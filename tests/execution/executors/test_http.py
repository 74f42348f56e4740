"""HTTP steps against a real server: what is sent, what is read, and what is said when it goes wrong."""

import asyncio
import json
import socket
from typing import Any

import pytest

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for, run, run_step
from tests.execution.executors.servers.http import HttpServer, RawServer


def echoed(outcome: StepOutcome) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(outcome.response["body"])
    return found


def test_request_is_sent_as_written(http_server: HttpServer) -> None:
    outcome = run_step(
        "http",
        {
            "method": "PUT",
            "url": f"{http_server.url}/echo?a=1",
            "params": {"b": [2, 3], "flag": True},
            "headers": {"X-Number": 5, "X-Empty": ""},
            "json": {"sku": "ä", "quantity": "{{ quantity }}"},
        },
        row={"quantity": 3},
    )
    assert outcome.state is State.PASSED, outcome.message
    seen = echoed(outcome)
    assert seen["method"] == "PUT"
    assert seen["query"] == {"a": ["1"], "b": ["2", "3"], "flag": ["true"]}
    assert seen["headers"]["X-Number"] == "5"
    assert seen["headers"]["X-Empty"] == ""
    assert json.loads(seen["body"]) == {"sku": "ä", "quantity": 3}
    assert seen["headers"]["Content-Type"] == "application/json"


def test_form_and_graphql_bodies(http_server: HttpServer) -> None:
    form = run_step("http", {"method": "POST", "url": f"{http_server.url}/echo", "form": {"a": "x y", "b": [1, 2]}})
    assert echoed(form)["body"] == "a=x+y&b=1&b=2"
    assert echoed(form)["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    query = {"query": "{ orders { id } }", "variables": {"n": 1}}
    graphql = echoed(run_step("http", {"url": f"{http_server.url}/echo", "graphql": query}))
    assert graphql["method"] == "POST"
    assert json.loads(graphql["body"]) == query


def test_trace_context_is_sent_unless_the_case_sets_it(http_server: HttpServer) -> None:
    outcome = run({"title": "t", "steps": [{"name": "s", "kind": "http", "with": {"url": f"{http_server.url}/echo"}}]})
    step = outcome.steps[0]
    assert echoed(step)["headers"]["traceparent"] == f"00-{outcome.trace_id}-{step.span_id}-01"
    own = run_step("http", {"url": f"{http_server.url}/echo", "headers": {"Traceparent": "mine"}})
    assert [v for k, v in echoed(own)["headers"].items() if k.lower() == "traceparent"] == ["mine"]


def test_checks_and_captures_on_every_subject(http_server: HttpServer) -> None:
    outcome = run_step(
        "http",
        {"method": "POST", "url": f"{http_server.url}/echo", "body": "order 42 is paid"},
        expect=[
            {"check": "status", "equals": 200},
            {"check": "header", "at": "content-type", "contains": "json"},
            {"check": "header", "at": "X-Missing", "exists": False},
            {"check": "body", "at": r"order (\d+)", "equals": 42},
            {"check": "json", "at": "$.method", "equals": "POST"},
            {"check": "json", "schema": {"type": "object", "required": ["body"]}},
            {"check": "duration", "below": 5000},
        ],
        capture={"number": {"from": "body", "at": r"order (\d+)"}, "place": {"from": "header", "at": "Location"}},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"number": "42", "place": "/orders/7"}
    assert all(check.passed for check in outcome.checks)


def test_without_a_check_of_the_status_an_error_fails(http_server: HttpServer) -> None:
    outcome = run_step("http", {"url": f"{http_server.url}/status/503"})
    assert outcome.state is State.FAILED
    assert "503" in outcome.message
    assert outcome.checks[0].implied
    wanted = run_step("http", {"url": f"{http_server.url}/status/404"}, expect=[{"check": "status", "equals": 404}])
    assert wanted.state is State.PASSED


def test_timings_are_split_and_the_connection_is_used_again(http_server: HttpServer) -> None:
    step = {"name": "s", "kind": "http", "with": {"url": f"{http_server.url}/slow?seconds=0.1"}}
    first, second = run({"title": "t", "steps": [step, step]}).steps
    assert 90 <= first.timings["first_byte"] <= 2000
    assert first.timings["total"] >= first.timings["first_byte"]
    assert first.response["new_connection"] is True
    assert first.timings["connect"] > 0
    assert second.response["new_connection"] is False
    assert second.timings["tls"] == 0


def test_redirects_are_followed_only_when_asked(http_server: HttpServer) -> None:
    url = f"{http_server.url}/redirect?to=/echo"
    stay = run_step("http", {"url": url}, expect=[{"check": "status", "equals": 302}])
    assert stay.state is State.PASSED
    follow = run_step("http", {"url": url, "follow_redirects": True}, expect=[{"check": "status", "equals": 200}])
    assert follow.state is State.PASSED
    assert len(follow.response["redirects"]) == 1
    endless = run_step("http", {"url": f"{http_server.url}/redirect?to=/redirect?to=/x", "follow_redirects": True})
    assert endless.state is State.FAILED


def test_tls_is_verified_unless_an_authority_is_given_or_all_are_trusted(http_server: HttpServer) -> None:
    url = f"{http_server.tls_url}/echo"
    refused = run_step("http", {"url": url})
    assert refused.state is State.FAILED
    assert "TLS" in refused.message
    assert "certificate" in refused.message
    known = run_step("http", {"url": url, "ca": "{{ CA }}"}, variables={"CA": http_server.ca_pem})
    assert known.state is State.PASSED, known.message
    assert known.timings["tls"] > 0
    assert run_step("http", {"url": url, "verify": False}).state is State.PASSED
    other_name = url.replace("localhost", "127.0.0.1")
    wrong = run_step("http", {"url": other_name, "ca": http_server.ca_pem})
    assert wrong.state is State.FAILED
    assert "TLS" in wrong.message


def test_connection_refused_is_a_failure_that_says_what_to_check() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        outcome = run_step("http", {"url": f"http://127.0.0.1:{port}/"})
    assert outcome.state is State.FAILED
    assert f"127.0.0.1:{port}" in outcome.message
    assert "port" in outcome.message
    assert outcome.request["url"] == f"http://127.0.0.1:{port}/"


def test_unknown_host_and_malformed_url() -> None:
    unknown = run_step("http", {"url": "http://no-such-host.invalid/"})
    assert unknown.state is State.FAILED
    assert "no-such-host.invalid" in unknown.message
    for url in ("ftp://127.0.0.1/x", "/orders", "http://", "http://127.0.0.1:99999/", "file:///etc/passwd"):
        outcome = run_step("http", {"url": url})
        assert outcome.state is State.BLOCKED, (url, outcome.message)


def test_timeout_says_what_it_waited_for(http_server: HttpServer) -> None:
    slow = run_step("http", {"url": f"{http_server.url}/slow?seconds=5"}, timeout=0.2)
    assert slow.state is State.FAILED
    assert "did not answer within 0.2 s" in slow.message
    body = run_step("http", {"url": f"{http_server.url}/slow-body"}, timeout=0.3)
    assert "did not end within 0.3 s" in body.message
    assert body.response["body"] == "begun"


def test_large_response_is_cut_and_the_server_does_not_have_to_send_it_all(http_server: HttpServer) -> None:
    size = 50 * 1024 * 1024
    settings = EngineSettings(body_read=1_000_000, body_stored=100_000)
    outcome = run_step(
        "http",
        {"url": f"{http_server.url}/big?size={size}"},
        settings=settings,
        expect=[{"check": "body", "contains": "xxx"}, {"check": "json", "at": "$.id", "exists": True}],
    )
    assert outcome.truncated
    assert any(str(size) in note and "1000000" in note for note in outcome.notes)
    assert outcome.response["notes"] == outcome.notes
    assert len(outcome.response["body"]) == 100_001
    assert [check.passed for check in outcome.checks[1:]] == [True, False]
    assert "cut" in outcome.checks[2].message
    assert http_server.sent < size / 2


def test_a_body_that_unpacks_to_far_more_than_it_is_cut(http_server: HttpServer) -> None:
    outcome = run_step("http", {"url": f"{http_server.url}/bomb"}, settings=EngineSettings(body_read=1_000_000))
    assert outcome.truncated
    assert outcome.response["size"] == 1_000_000


def test_broken_answers_are_failures(raw_server: RawServer) -> None:
    raw_server.answer = b"this is not HTTP at all\r\n\r\n"
    assert run_step("http", {"url": raw_server.url}).state is State.FAILED
    raw_server.answer = b""
    empty = run_step("http", {"url": raw_server.url})
    assert "without an answer" in empty.message
    raw_server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    half = run_step("http", {"url": raw_server.url})
    assert half.state is State.FAILED
    assert "broke off" in half.message
    assert half.response["body"] == "half"


def test_odd_headers_are_read_as_they_are(raw_server: RawServer) -> None:
    raw_server.answer = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nX-Odd: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}"
    outcome = run_step("http", {"url": raw_server.url}, expect=[{"check": "header", "at": "X-A", "equals": "1, 2"}])
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.response["headers"]["X-A"] == "1, 2"
    json.dumps(outcome.as_dict()).encode()


@pytest.mark.parametrize("name", ["not-json", "nan", "deep", "binary"])
def test_a_body_that_is_no_json_fails_the_check_and_not_the_worker(http_server: HttpServer, name: str) -> None:
    check = {"check": "json", "at": "$.total", "exists": True}
    outcome = run_step("http", {"url": f"{http_server.url}/raw/{name}"}, expect=[check])
    assert outcome.state is State.FAILED
    assert "not JSON" in outcome.message or "nested too deeply" in outcome.message


@pytest.mark.parametrize("depth", [500, 800, 900, 950, 990])
def test_deeply_nested_json_is_checked_or_refused_but_never_stops_the_engine(
    http_server: HttpServer, depth: int
) -> None:
    checks: list[dict[str, Any]] = [
        {"check": "json", "at": "$..x", "count": 0},
        {"check": "json", "equals": [[1]]},
        {"check": "json", "contains": [1]},
        {"check": "json", "schema": {"type": "object"}},
        {"check": "json", "type": "array"},
    ]
    url = f"{http_server.url}/raw/nested-{depth}"
    for check in checks:
        outcome = run_step("http", {"url": url}, expect=[check], capture={"all": {"from": "json", "at": "$"}})
        assert outcome.state in (State.PASSED, State.FAILED), (check, outcome.message)


def test_text_in_other_encodings_and_what_a_database_cannot_hold(http_server: HttpServer) -> None:
    latin = run_step("http", {"url": f"{http_server.url}/raw/latin"}, expect=[{"check": "body", "equals": "Grüße"}])
    assert latin.state is State.PASSED, latin.message
    odd = run_step("http", {"url": f"{http_server.url}/raw/nul"}, capture={"text": "$.text", "huge": "$.huge"})
    assert odd.state is State.PASSED, odd.message
    stored = json.dumps(odd.as_dict(), ensure_ascii=False, allow_nan=False)
    stored.encode()
    assert "\\u0000" not in stored.replace("\\\\u0000", "")
    assert odd.captured == {"text": "a�b ���", "huge": "inf"}


def test_header_with_a_line_break_is_not_sent(http_server: HttpServer) -> None:
    outcome = run_step(
        "http", {"url": f"{http_server.url}/echo", "headers": {"X-A": "{{ v }}"}}, variables={"v": "1\r\nX-Evil: 2"}
    )
    assert outcome.state is State.BLOCKED
    assert "line break" in outcome.message


def test_metadata_address_is_denied_also_behind_a_redirect(http_server: HttpServer) -> None:
    direct = run_step("http", {"url": "http://169.254.169.254/latest/meta-data/"}, timeout=3)
    assert direct.state is State.BLOCKED
    assert "denied" in direct.message
    hop = {"url": f"{http_server.url}/redirect?to=http://169.254.169.254/latest/", "follow_redirects": True}
    assert run_step("http", hop, timeout=3).state is State.BLOCKED
    mapped = run_step("http", {"url": "http://[::ffff:169.254.169.254]/"}, timeout=3)
    assert mapped.state in (State.BLOCKED, State.FAILED)
    assert "denied" in mapped.message or "no connection" in mapped.message.lower()


def test_name_is_checked_by_the_address_it_has_at_the_moment_of_connecting(http_server: HttpServer) -> None:
    port = http_server.url.rpartition(":")[2]
    settings = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.0/8", "::1/128"]))
    outcome = run_step("http", {"url": f"http://localhost:{port}/echo"}, settings=settings)
    assert outcome.state is State.BLOCKED
    allowing = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.0/8"], allow=["127.0.0.1"]))
    assert run_step("http", {"url": f"{http_server.url}/echo"}, settings=allowing).state is State.PASSED


def test_password_in_a_url_is_used_but_not_shown(http_server: HttpServer) -> None:
    outcome = run_step("http", {"url": http_server.url.replace("://", "://user:plain-pass@") + "/echo"})
    assert echoed(outcome)["headers"]["Authorization"].startswith("Basic ")
    assert outcome.request["url"].startswith("http://user:***@127.0.0.1")


def test_proxy_of_the_worker_is_not_used(http_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert run_step("http", {"url": f"{http_server.url}/echo"}).state is State.PASSED


def test_cancelled_request_leaves_the_executor_usable(http_server: HttpServer) -> None:
    async def main() -> None:
        async with Executors() as executors:
            slow = {"name": "s", "kind": "http", "with": {"url": f"{http_server.url}/slow?seconds=5"}}
            task = asyncio.create_task(run_case(request_for(case_of(slow)), executors))
            await asyncio.sleep(0.1)
            task.cancel()
            outcome = await task
            assert outcome.state is State.CANCELLED
            assert outcome.steps[0].request["method"] == "GET"
            quick = {"name": "s", "kind": "http", "with": {"url": f"{http_server.url}/echo"}}
            assert (await run_case(request_for(case_of(quick)), executors)).state is State.PASSED

    asyncio.run(main())


def test_a_secret_in_a_url_is_masked_as_it_is_sent(http_server: HttpServer) -> None:
    key = "päss w/42&x=1"
    outcome = run_step("http", {"url": f"{http_server.url}/echo?key={{{{ KEY }}}}"}, secrets={"KEY": key})
    assert outcome.state is State.PASSED, outcome.message
    shown = json.dumps(outcome.as_dict(), default=str)
    assert "ss%20w" not in shown
    assert "/echo?key=***" in shown
