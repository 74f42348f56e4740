"""``publish`` and ``receive`` with Redis streams: what they do whatever the broker is."""

from contextlib import closing
from typing import Any

import pytest
import redis

from apps.catalog.definition import Shared, normalise_shared
from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import CaseOutcome, SharedVersion, State
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.brokers import registry
from tests.execution.engine.running import case_of, run, run_step

STREAM = "engine:orders"


def publish(url: str, json: Any = None, **given: Any) -> dict[str, Any]:
    body = {} if json is None else {"json": json}
    return {"name": "p", "kind": "publish", "with": {"url": url, "to": STREAM, **body, **given}}


def receive(url: str, expect: Any = (), capture: Any = None, **given: Any) -> dict[str, Any]:
    more = {"capture": capture} if capture else {}
    params = {"url": url, "from": STREAM, "wait": 2, **given}
    return {"name": "r", "kind": "receive", "with": params, "expect": list(expect), **more}


def play(*steps: dict[str, Any], **more: Any) -> CaseOutcome:
    return run(case_of(*steps), **more)


@pytest.fixture
def client(redis_url: str) -> Any:
    with closing(redis.Redis.from_url(redis_url, decode_responses=True)) as client:
        yield client


def test_message_that_arrived_before_receiving_began_is_received(redis_url: str, client: Any) -> None:
    client.xadd(STREAM, {"body": '{"n": "from an earlier case"}'})
    outcome = play(
        publish(redis_url, {"n": 1}),
        publish(redis_url, {"n": 2}),
        receive(
            redis_url,
            count=2,
            expect=[
                {"check": "messages", "at": "$[*].json.n", "equals": [1, 2]},
                {"check": "count", "equals": 2},
                {"check": "header", "at": "traceparent", "exists": True},
            ],
            capture={"first": "$.n", "id": {"from": "messages", "at": "$[0].id"}},
        ),
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured["first"] == 1
    assert outcome.captured["id"] == outcome.steps[0].response["id"]


def test_receiving_uses_nothing_up_and_other_positions_can_be_chosen(redis_url: str, client: Any) -> None:
    old = client.xadd(STREAM, {"body": "old"})
    again = [{"check": "count", "equals": 1}]
    outcome = play(
        publish(redis_url, {"n": 1}),
        receive(redis_url, expect=again),
        receive(redis_url, expect=again, settle=0.1),
        receive(redis_url, since="start", count=2, expect=[{"check": "body", "equals": "old"}]),
        receive(redis_url, since=old, expect=[{"check": "json", "at": "$.n", "equals": 1}]),
        receive(redis_url, since="now", count=0, wait=0.1, expect=[{"check": "messages", "count": 0}]),
    )
    assert outcome.state is State.PASSED, outcome.message


def test_message_that_comes_while_it_waits_ends_the_waiting(redis_url: str) -> None:
    late = {**publish(redis_url, {"n": 1}), "name": "late"}
    listening = receive(redis_url, since="now", wait=20)
    branches = {
        "branches": [{"steps": [listening]}, {"steps": [{"name": "w", "kind": "wait", "with": {"seconds": 0.3}}, late]}]
    }
    outcome = play({"name": "both", "kind": "parallel", "with": branches})
    assert outcome.state is State.PASSED, outcome.message


def test_only_messages_that_fit_count_and_the_others_are_shown_when_they_are_missing(redis_url: str) -> None:
    messages = [
        publish(redis_url, {"order": {"id": n}}, headers={"Type": "paid" if n % 2 else "new"}) for n in range(4)
    ]
    found = play(
        *messages,
        receive(redis_url, count=0, wait=0.2, where={"$.order.id": ["1", 2, 3], "type": "paid"},
                expect=[{"check": "messages", "at": "$[*].json.order.id", "equals": [1, 3]}]),
    )  # fmt: skip
    assert found.state is State.PASSED, found.message
    missing = play(messages[0], receive(redis_url, where={"$.order.id": 9}, wait=0.2))
    assert missing.state is State.FAILED
    assert "no message came within 0.2 s; 1 other message did not fit “where”" in missing.message
    assert missing.steps[1].response["others"][0]["headers"]["Type"] == "new"
    assert missing.steps[1].response["scanned"] == 1


def test_too_few_messages_are_a_failure_that_shows_those_that_came(redis_url: str) -> None:
    outcome = play(publish(redis_url, {"n": 1}), receive(redis_url, count=2, wait=0.2))
    assert outcome.state is State.FAILED
    assert "only 1 of 2 came within 0.2 s" in outcome.message
    assert outcome.steps[1].response["messages"][0]["json"] == {"n": 1}


def test_duplicate_is_seen_while_it_listens_on(redis_url: str) -> None:
    twice = [publish(redis_url, {"n": 1}), publish(redis_url, {"n": 1})]
    once = [{"check": "messages", "count": 1}]
    quick = play(*twice, receive(redis_url, expect=once))
    assert quick.state is State.PASSED
    patient = play(*twice, receive(redis_url, expect=once, settle=0.2))
    assert patient.state is State.FAILED
    assert "but there are 2" in patient.message


def test_order_of_messages_is_checked(redis_url: str) -> None:
    states = [publish(redis_url, {"state": state}) for state in ("new", "paid", "checked", "shipped")]

    def ask(**check: Any) -> CaseOutcome:
        return play(
            *states, receive(redis_url, count=4, expect=[{"check": "messages", "at": "$[*].json.state", **check}])
        )

    assert ask(in_order=["new", "paid", "shipped"]).state is State.PASSED
    wrong = ask(in_order=["paid", "new"])
    assert wrong.state is State.FAILED
    assert "“new” does not come after “paid”" in wrong.message
    assert ask(same_items=["shipped", "paid", "new", "checked"]).state is State.PASSED
    other = ask(same_items=["shipped", "paid", "new", "lost"])
    assert "“lost” is missing" in other.message
    assert "“checked” is too many" in other.message
    assert "-lost" in other.steps[-1].checks[0].diff.replace('"', "").replace(" ", "")


def test_entry_without_a_body_is_all_headers_and_its_body_may_have_another_field(redis_url: str, client: Any) -> None:
    flat = play(
        publish(redis_url, headers={"event": "order.created", "total": 12}),
        receive(redis_url, where={"event": "order.created"}, expect=[{"check": "header", "at": "Total", "equals": 12}]),
    )
    assert flat.state is State.PASSED, flat.message
    played = play(
        publish(redis_url, {"n": 1}, body_field="payload"),
        receive(redis_url, body_field="payload", expect=[{"check": "json", "at": "$.n", "equals": 1}]),
    )
    assert played.state is State.PASSED, played.message
    assert client.xrevrange(STREAM, count=1)[0][1]["payload"] == '{"n": 1}'


def test_published_message_carries_the_trace_unless_the_step_has_its_own(redis_url: str, client: Any) -> None:
    outcome = play(publish(redis_url, {"n": 1}), publish(redis_url, {"n": 2}, headers={"TraceParent": "mine"}))
    own, given = (fields for _id, fields in client.xrange(STREAM))
    assert own["traceparent"].split("-")[1] == outcome.trace_id
    assert given["TraceParent"] == "mine"
    assert "traceparent" not in given


def test_address_captured_during_the_case_is_listened_to_by_name(redis_url: str) -> None:
    made = {"name": "m", "kind": "redis", "with": {"url": redis_url, "command": ["ECHO", "engine:later"]},
            "capture": {"stream": {"from": "value"}}}  # fmt: skip
    there = publish(redis_url, {"n": 1}, to="{{ stream }}")
    too_late = play(made, there, receive(redis_url, **{"from": "{{ stream }}"}))
    assert too_late.state is State.BLOCKED
    assert "listen" in too_late.message
    listening = {"name": "l", "kind": "receive", "with": {"url": redis_url, "from": "{{ stream }}", "listen": "later"}}
    by_name = {"name": "r", "kind": "receive", "with": {"subscription": "later", "wait": 2}}
    outcome = play(made, listening, there, by_name)
    assert outcome.state is State.PASSED, outcome.message
    unknown = play({"name": "r", "kind": "receive", "with": {"subscription": "nobody"}})
    assert unknown.state is State.BLOCKED
    assert "nothing listens as “nobody”" in unknown.message


def test_message_that_came_while_a_person_worked_is_received(redis_url: str, client: Any) -> None:
    person = {"name": "Pay", "kind": "manual", "with": {"instructions": "Pay it"}}
    definition = case_of(publish(redis_url, {"n": 1}), person, receive(redis_url, count=2))
    first = run(definition)
    assert first.state is State.WAITING
    client.xadd(STREAM, {"body": '{"n": 2}'})
    second = run(definition, start_at=2, captured=first.resume, trace_id=first.trace_id)
    assert second.state is State.PASSED, second.message
    assert [one["json"]["n"] for one in second.steps[0].response["messages"]] == [1, 2]


def test_what_cannot_be_done_blocks_and_what_does_not_answer_fails(redis_url: str) -> None:
    strange = run_step("publish", {"url": redis_url, "exchange": "orders"})
    assert strange.state is State.BLOCKED
    assert "with.exchange means nothing to a broker at redis://" in strange.message
    unknown = run_step("receive", {"url": "nats://127.0.0.1", "from": "t", "since": "now"})
    assert unknown.state is State.BLOCKED
    assert "nats:// is not supported; use one of redis://" in unknown.message
    assert run_step("publish", {"url": redis_url, "to": STREAM}).state is State.PASSED  # the trace is a field
    gone = play(receive("redis://:wr0ng-pass@127.0.0.1:1/0"))
    assert gone.state is State.FAILED
    assert "no connection" in gone.message
    assert "wr0ng-pass" not in str(gone.steps[0].as_dict())
    denying = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.1"]))
    assert play(publish(redis_url, {}), settings=denying).state is State.BLOCKED
    assert play(receive(redis_url), settings=denying).state is State.BLOCKED
    path = play(receive(redis_url, where={"$.[": 1}))
    assert path.state is State.BLOCKED
    assert "with.where" in path.message


def test_many_and_large_messages_are_bounded(redis_url: str, client: Any) -> None:
    for number in range(30):
        client.xadd(STREAM, {"body": f"{number} " + "x" * 1000})
    many = play(receive(redis_url, since="start", count=30), settings=EngineSettings(rows=10))
    assert many.state is State.FAILED
    assert len(many.steps[0].response["messages"]) == 10
    assert many.steps[0].truncated
    assert "only the first 10 messages were read" in many.message
    large = play(receive(redis_url, since="start", count=0, wait=0.5), settings=EngineSettings(body_read=1000))
    assert len(large.steps[0].response["messages"]) == 4
    kept = play(receive(redis_url, since="start", count=30), settings=EngineSettings(body_stored=5000))
    assert kept.state is State.PASSED, kept.message
    assert len(kept.steps[0].response["messages"]) == 4


def test_interrupted_reading_leaves_a_usable_connection(redis_url: str) -> None:
    steps = [receive(redis_url, since="now", wait=0.1, count=0), publish(redis_url, {"n": 1}), receive(redis_url)]
    assert play(*steps).state is State.PASSED


def test_broker_of_another_package_is_found_by_the_scheme_of_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value = "nats", "tests.execution.executors.servers.memory_broker:MemoryBroker"

    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry] if group == "integhub.brokers" else [])
    registry.places.cache_clear()
    try:
        there = {"name": "p", "kind": "publish", "with": {"url": "nats://somewhere", "to": "t", "json": {"n": 1}}}
        here = {"name": "r", "kind": "receive", "with": {"url": "nats://somewhere", "from": "t"}}
        outcome = play(there, here)
    finally:
        registry.places.cache_clear()
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.steps[1].response["messages"][0]["json"] == {"n": 1}


def test_what_to_look_for_may_be_known_only_during_the_case(redis_url: str) -> None:
    made = {"name": "s", "kind": "set", "with": {"values": {"order": 7}}, "capture": {"id": "$.order"}}
    wanted = receive(redis_url, where={"$.n": "{{ id }}"}, count="{{ id - 6 }}")
    outcome = play(publish(redis_url, {"n": 6}), publish(redis_url, {"n": 7}), made, wanted)
    assert outcome.state is State.PASSED, outcome.message
    assert [message["json"]["n"] for message in outcome.steps[3].response["messages"]] == [7]
    late = play(publish(redis_url, {"n": 6}), made, receive(redis_url, **{"from": "engine:{{ id }}"}))
    assert late.state is State.BLOCKED
    assert "its address was not known then" in late.message


def test_shared_step_receives_what_came_since_the_case_began(redis_url: str) -> None:
    steps = [receive("{{ BROKER }}", where={"$.n": "{{ n }}"})]
    shared = Shared.of(normalise_shared({"title": "It is told", "parameters": {"n": None}, "steps": steps}))
    told = {"name": "c", "kind": "call", "with": {"step": "told", "arguments": {"n": 2}}}
    outcome = play(
        publish(redis_url, {"n": 1}),
        publish(redis_url, {"n": 2}),
        told,
        variables={"BROKER": redis_url},
        shared={"told": SharedVersion(1, shared)},
    )
    assert outcome.state is State.PASSED, outcome.message


def test_body_is_looked_at_by_xpath(redis_url: str) -> None:
    order = '<order xmlns="urn:shop" id="7"><line>MUG</line><line>PEN</line></order>'
    outcome = play(
        publish(redis_url, body=order, to="engine:xml"),
        receive(
            redis_url,
            **{"from": "engine:xml"},
            expect=[
                {"check": "xml", "at": "/default:order/@id", "equals": 7},
                {"check": "xml", "at": "//default:line", "same_items": ["PEN", "MUG"]},
            ],
        ),
    )
    assert outcome.state is State.PASSED, outcome.message
    text = play(
        publish(redis_url, body="no xml", to="engine:xml"),
        receive(redis_url, **{"from": "engine:xml"}, expect=[{"check": "xml", "at": "/a", "exists": True}]),
    )
    assert "the body is not XML" in text.message
