"""Redis steps against a real server."""

from contextlib import closing
from typing import Any

import pytest
import redis

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.settings import EngineSettings
from tests.execution.engine.running import case_of, run, run_step


def ask(url: str, *words: Any, **more: Any) -> StepOutcome:
    return run_step("redis", {"url": "{{ REDIS }}", "command": list(words)}, variables={"REDIS": url}, **more)


def stream(url: str, given: dict[str, Any], **more: Any) -> StepOutcome:
    return run_step("redis", {"url": url, "stream": {"key": "engine:s", **given}}, **more)


@pytest.fixture
def published(redis_url: str) -> list[str]:
    """Ids of 30 messages; every third is paid."""
    with closing(redis.Redis.from_url(redis_url)) as client:
        states = ["paid" if number % 3 == 0 else "new" for number in range(30)]
        return [
            client.xadd("engine:s", {"n": number, "state": state, "body": f'{{"total": {number}}}'}).decode()
            for number, state in enumerate(states)
        ]


def test_replies_keep_their_types(redis_url: str) -> None:
    assert ask(redis_url, "SET", "engine:k", "v{{ 1 + 1 }}").response["value"] == "OK"
    assert ask(redis_url, "GET", "engine:k").response["value"] == "v2"
    assert ask(redis_url, "GET", "engine:none", expect=[{"check": "value", "exists": False}]).state is State.PASSED
    assert ask(redis_url, "INCRBY", "engine:n", 5).response["value"] == 5
    ask(redis_url, "HSET", "engine:h", "a", 1, "b", "two")
    outcome = ask(
        redis_url,
        "HGETALL",
        "engine:h",
        expect=[{"check": "value", "at": "$.b", "equals": "two"}],
        capture={"a": "$.a"},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"a": "1"}
    ask(redis_url, "RPUSH", "engine:l", "x", "y")
    assert ask(redis_url, "LRANGE", "engine:l", 0, -1).response["value"] == ["x", "y"]
    ask(redis_url, "SADD", "engine:set", "x", "y")
    assert sorted(ask(redis_url, "SMEMBERS", "engine:set").response["value"]) == ["x", "y"]


def test_stream_is_read_from_where_it_is_asked(redis_url: str, published: list[str]) -> None:
    first = stream(redis_url, {"count": 2})
    assert [message["id"] for message in first.response["messages"]] == published[:2]
    after = stream(redis_url, {"since": published[27]}, expect=[{"check": "messages", "count": 2}])
    assert after.state is State.PASSED, after.message
    nothing = stream(redis_url, {"since": published[-1]}, expect=[{"check": "messages", "count": 0}])
    assert nothing.state is State.PASSED, nothing.message


def test_stream_is_filtered_and_json_in_it_is_read(redis_url: str, published: list[str]) -> None:
    outcome = stream(
        redis_url,
        {"where": {"state": "paid", "n": 27}, "decode": ["body"]},
        expect=[
            {"check": "messages", "count": 1},
            {"check": "messages", "at": "$[0].fields.body.total", "equals": 27},
        ],
        capture={"last": {"from": "messages", "at": "$[0].id"}},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured["last"] == published[27]
    assert outcome.response["scanned"] == 30


def test_filter_finds_a_message_behind_many_others(redis_url: str) -> None:
    with closing(redis.Redis.from_url(redis_url)) as client, client.pipeline(transaction=False) as pipe:
        for number in range(2500):
            pipe.xadd("engine:s", {"n": number})
        pipe.execute()
    outcome = stream(redis_url, {"where": {"n": 2400}, "count": 1}, expect=[{"check": "messages", "count": 1}])
    assert outcome.state is State.PASSED, outcome.message


def test_published_message_carries_the_trace(redis_url: str) -> None:
    add = {"url": redis_url, "command": ["XADD", "engine:s", "*", "order", "7"]}
    outcome = run(case_of({"name": "s", "kind": "redis", "with": add}))
    with closing(redis.Redis.from_url(redis_url, decode_responses=True)) as client:
        fields = client.xrange("engine:s")[0][1]
    assert fields["order"] == "7"
    assert fields["traceparent"].split("-")[1] == outcome.trace_id


def test_refused_commands_and_logins_are_failures(redis_url: str) -> None:
    ask(redis_url, "SET", "engine:k", "v")
    wrong = ask(redis_url, "LPUSH", "engine:k", "x")
    assert wrong.state is State.FAILED
    assert "WRONGTYPE" in wrong.message
    place = redis_url.removeprefix("redis://").rpartition("@")[2]
    login = ask(f"redis://user:wr0ng-pass@{place}", "PING")
    assert login.state is State.FAILED
    assert "wr0ng-pass" not in str(login.as_dict())


def test_unreachable_server_is_a_failure_and_a_denied_address_is_blocked(redis_url: str) -> None:
    refused = ask("redis://127.0.0.1:1/0", "PING")
    assert refused.state is State.FAILED
    assert "no connection" in refused.message
    denying = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.1"]))
    assert ask(redis_url, "PING", settings=denying).state is State.BLOCKED
    assert ask("http://127.0.0.1", "PING").state is State.BLOCKED
    assert ask("redis://169.254.169.254/", "PING", timeout=2).state is State.BLOCKED


def test_endless_commands_are_not_begun_and_slow_ones_are_ended(redis_url: str) -> None:
    assert ask(redis_url, "SUBSCRIBE", "news").state is State.BLOCKED
    slow = ask(redis_url, "BLPOP", "engine:none", 0, timeout=0.2)
    assert slow.state is State.FAILED
    assert "0.2 s" in slow.message


def test_session_of_one_step_is_not_seen_by_the_next(redis_url: str) -> None:
    def step(*words: str) -> dict[str, Any]:
        return {"name": " ".join(words), "kind": "redis", "with": {"url": redis_url, "command": list(words)}}

    outcome = run(case_of(step("CLIENT", "SETNAME", "mine"), step("CLIENT", "GETNAME"), step("PING")))
    assert outcome.steps[1].response["value"] in (None, "")
    slow = {**step("BLPOP", "engine:none", "0"), "timeout": 0.1, "optional": True}
    after = run(case_of(slow, step("SET", "engine:x", "1"), step("GET", "engine:x")))
    assert after.steps[2].response["value"] == "1"
    multi = run(case_of(step("MULTI"), step("GET", "engine:x")))
    assert multi.steps[1].response["value"] == "1"


def test_large_reply_is_kept_in_part(redis_url: str) -> None:
    with closing(redis.Redis.from_url(redis_url)) as client:
        client.set("engine:big", "x" * 50_000)
    outcome = ask(redis_url, "GET", "engine:big", settings=EngineSettings(body_stored=1000))
    assert len(outcome.response["value"]) == 1001
    assert outcome.truncated


@pytest.mark.parametrize(
    "wrong",
    [
        "unix:///var/run/redis.sock",
        "unix://user:pass@/var/run/redis.sock?db=0",
        "rediss://127.0.0.1/?ssl_certfile=/etc/ssl/worker.crt&ssl_keyfile=/etc/ssl/worker.key",
        "rediss://127.0.0.1/?ssl_ca_certs=/etc/passwd",
        "redis://127.0.0.1/?max_connections=1",
        "redis://127.0.0.1/?timeout=1",
        "redis://127.0.0.1/?credential_provider=x",
        "redis://[bad",
    ],
)
def test_a_url_names_no_socket_nor_files_of_the_worker(wrong: str) -> None:
    outcome = ask(wrong, "PING")
    assert outcome.state is State.BLOCKED
    assert "Redis URL cannot be used" in outcome.message
