"""Responses that go on: server-sent events and lines."""

from typing import Any

from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.settings import EngineSettings
from tests.execution.engine.running import run_step
from tests.execution.executors.servers.web import Streams


def read(url: str, stream: dict[str, Any], **more: Any) -> StepOutcome:
    return run_step("http", {"url": url, "stream": stream}, **more)


def test_reading_ends_with_the_events_that_were_wanted(streams: Streams) -> None:
    outcome = read(
        f"{streams.url}/sse",
        {"count": 3},
        expect=[
            {"check": "events", "count": 3},
            {"check": "events", "at": "$[*].json.n", "equals": [1, 2, 3]},
            {"check": "events", "at": "$[0].event", "equals": "tick"},
            {"check": "events", "at": "$[2].id", "equals": "3"},
            {"check": "events", "at": "$[0].json.word", "equals": "grüße"},
            {"check": "first_event", "below": 5000},
            {"check": "status", "equals": 200},
        ],
        capture={"last": {"from": "events", "at": "$[-1].json.n"}},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"last": 3}
    assert [event["json"]["n"] for event in outcome.response["events"]] == [1, 2, 3]
    assert outcome.response["first_event_ms"] >= 15
    times = [event["at"] for event in outcome.response["events"]]
    assert times == sorted(times)


def test_reading_ends_with_a_match(streams: Streams) -> None:
    url = f"{streams.url}/sse"
    assert read(url, {"until": r'"n": 4\b'}).response["events"][-1]["id"] == "4"
    assert read(url, {"where": {"n": 2}}).response["events"][-1]["id"] == "2"
    assert read(url, {"where": {"$.word": "{{ word }}", "n": "3"}}, row={"word": "grüße"}).state is State.PASSED
    assert len(read(url, {"where": {"word": "grüße"}, "count": 2}).response["events"]) == 2


def test_the_connection_is_not_left_open(streams: Streams) -> None:
    assert read(f"{streams.url}/sse", {"count": 1}).state is State.PASSED
    assert read(f"{streams.url}/sse?count=1", {"wait": 5}).state is State.PASSED
    for _ in range(100):
        if not streams.open:
            break
        assert read(f"{streams.url}/lines", {"wait": 1}).state is State.PASSED
    assert streams.open == 0


def test_time_alone_takes_what_comes(streams: Streams) -> None:
    outcome = read(f"{streams.url}/sse?every=0.05", {"wait": 0.3}, expect=[{"check": "events", "count": 0}])
    assert outcome.state is State.FAILED
    assert 1 <= len(outcome.response["events"]) <= 6
    quiet = read(f"{streams.url}/sse?every=9", {"wait": 0.2}, expect=[{"check": "events", "count": 0}])
    assert quiet.state is State.PASSED, quiet.message


def test_what_did_not_come_fails_and_shows_what_came(streams: Streams) -> None:
    late = read(f"{streams.url}/sse?every=0.05", {"count": 50, "wait": 0.3})
    assert late.state is State.FAILED
    assert "of 50 events came within 0.3 s" in late.message
    assert late.response["events"]
    ended = read(f"{streams.url}/sse?count=2", {"where": {"n": 7}})
    assert ended.state is State.FAILED
    assert "0 of 1 events with n 7 came before the stream ended; 2 came in all" in ended.message
    limit = read(f"{streams.url}/sse?every=0.05", {"count": 50}, timeout=0.3)
    assert "of 50 events came within 0.3 s" in limit.message


def test_lines_are_events_too(streams: Streams) -> None:
    outcome = read(f"{streams.url}/lines", {"count": 3})
    assert outcome.state is State.PASSED, outcome.message
    assert [(event["data"], event.get("json")) for event in outcome.response["events"]] == [
        ('{"n": 1}', {"n": 1}),
        ('{"n": 2, "state": "paid"}', {"n": 2, "state": "paid"}),
        ("plain", None),
    ]
    assert len(read(f"{streams.url}/lines", {"where": {"state": "paid"}}).response["events"]) == 2


def test_a_stream_is_cut_like_any_response(streams: Streams) -> None:
    outcome = read(f"{streams.url}/sse?every=0", {"count": 5000}, settings=EngineSettings(body_read=2000))
    assert outcome.state is State.FAILED
    assert "of 5000 events came" in outcome.message
    assert outcome.truncated


def test_an_unreadable_pattern_blocks(streams: Streams) -> None:
    assert read(f"{streams.url}/sse", {"until": "("}).state is State.BLOCKED
    assert read(f"{streams.url}/sse", {"where": {"$[": 1}}).state is State.BLOCKED
