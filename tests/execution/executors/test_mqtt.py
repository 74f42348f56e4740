"""``publish`` and ``receive`` with a real Mosquitto."""

import asyncio
import json
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import CaseOutcome, State
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.brokers.mqtt import _Listener
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for, run
from tests.execution.executors.servers.mosquitto import Mosquitto


def publish(url: str, json: Any = None, **given: Any) -> dict[str, Any]:
    body = {} if json is None else {"json": json}
    return {"name": "p", "kind": "publish", "with": {"url": url, "to": "shop/orders", **body, **given}}


def receive(url: str, expect: Any = (), **given: Any) -> dict[str, Any]:
    params = {"url": url, "from": "shop/#", "wait": 3, **given}
    return {"name": "r", "kind": "receive", "with": params, "expect": list(expect)}


def play(*steps: dict[str, Any], **more: Any) -> CaseOutcome:
    return run(case_of(*steps), **more)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_topic_is_watched_from_the_beginning_of_the_case(mosquitto: Mosquitto, qos: int) -> None:
    url = mosquitto.url
    outcome = play(
        publish(url, {"n": 1}, qos=qos, headers={"Attempt": 2}, properties={"response_topic": "replies"}),
        publish(url, {"n": 2}, qos=qos, to="mail/sent"),
        publish(url, body="plain", qos=qos, to="shop/notes"),
        receive(
            url,
            count=2,
            expect=[
                {"check": "messages", "at": "$[*].topic", "equals": ["shop/orders", "shop/notes"]},
                {"check": "messages", "at": "$[0].qos", "equals": qos},
                {"check": "messages", "at": "$[0].properties.response_topic", "equals": "replies"},
                {"check": "messages", "at": "$[0].properties.content_type", "equals": "application/json"},
                {"check": "messages", "at": "$[1].body", "equals": "plain"},
                {"check": "header", "at": "attempt", "equals": "2"},
                {"check": "header", "at": "traceparent", "matches": "^00-"},
                {"check": "json", "at": "$.n", "equals": 1},
            ],
        ),
        receive(url, where={"$.n": 1}),  # another look at the same: nothing was used up
    )
    assert outcome.state is State.PASSED, outcome.message
    nothing = play(receive(url, wait=0.2))
    assert nothing.state is State.FAILED
    assert "no message came" in nothing.message


def test_retained_messages_are_no_news_unless_they_are_asked_for(mosquitto: Mosquitto) -> None:
    url, topic = mosquitto.url, "state/door"
    kept = publish(url, {"open": True}, to=topic, retain=True)
    try:
        assert play(kept).state is State.PASSED
        silent = play(
            receive(url, **{"from": topic}, count=0, wait=0.3, expect=[{"check": "count", "equals": 0}]),
        )
        assert silent.state is State.PASSED, silent.message
        found = play(
            receive(
                url,
                **{"from": topic},
                since="start",
                expect=[
                    {"check": "messages", "at": "$[0].retained", "equals": True},
                    {"check": "json", "at": "$.open", "equals": True},
                ],
            )
        )
        assert found.state is State.PASSED, found.message
    finally:
        play(publish(url, body="", to=topic, retain=True))


def test_what_the_broker_says_of_a_message_counts(mosquitto: Mosquitto) -> None:
    url = mosquitto.url
    nobody = play(publish(url, {"n": 1}, to="nobody/here", mandatory=True))
    assert nobody.state is State.FAILED
    assert "nobody has subscribed" in nobody.message
    heard = play(publish(url, {"n": 1}, mandatory=True), receive(url))
    assert heard.state is State.PASSED, heard.message
    forbidden = play(publish(url, {"n": 1}, to="forbidden/topic"))
    assert forbidden.state is State.FAILED
    assert "Not authorized" in forbidden.message


def test_sessions_end_with_their_case(mosquitto: Mosquitto) -> None:
    """The broker tells once a second how many clients it knows, those that are away included."""
    total = {"from": "$SYS/broker/clients/total", "since": "start"}
    before = int(play(receive(mosquitto.url, **total)).steps[0].response["messages"][0]["body"])
    for _ in range(5):
        assert play(publish(mosquitto.url, {"n": 1}), receive(mosquitto.url)).state is State.PASSED
    person = {"name": "Look", "kind": "manual", "with": {"instructions": "Look"}}
    definition = case_of(receive(mosquitto.url, count=0, wait=0.1), person)
    waiting = run(definition)
    run(definition, start_at=2, captured=waiting.resume)  # another process ends it, which never listened
    few = [str(count) for count in range(before + 2)]
    fewer = receive(mosquitto.url, [{"check": "body", "one_of": few}], **total)
    ended = play({**fewer, "retry": {"for": 10, "every": 0.5}})
    assert ended.state is State.PASSED, ended.message


def test_case_goes_on_elsewhere_after_a_person(mosquitto: Mosquitto) -> None:
    ask = {"name": "Look", "kind": "manual", "with": {"instructions": "Look at the door"}}
    definition = case_of(
        publish(mosquitto.url, {"n": 1}),
        receive(mosquitto.url),
        ask,
        receive(mosquitto.url, count=3, expect=[{"check": "messages", "at": "$[*].json.n", "equals": [1, 2, 3]}]),
    )

    async def main() -> CaseOutcome:
        async with Executors() as first:
            waiting = await run_case(request_for(definition), first)
            assert waiting.state is State.WAITING, waiting.message
            async with Executors() as other:  # while nobody of the case is connected
                await run_case(request_for(case_of(publish(mosquitto.url, {"n": 2}))), other)
        async with Executors() as second:
            third = asyncio.create_task(run_case(request_for(definition, start_at=3, captured=waiting.resume), second))
            await asyncio.sleep(0.3)
            await run_case(request_for(case_of(publish(mosquitto.url, {"n": 3}))), second)
            return await third

    outcome = asyncio.run(main())
    assert outcome.state is State.PASSED, outcome.message


def message_of(packet: int, body: bytes, *, again: bool = False) -> MQTTMessage:
    made = MQTTMessage(mid=packet, topic=b"orders")
    made.payload, made.qos, made.dup = body, 1, again
    return made


def test_what_the_broker_sends_once_more_after_a_connection_ended_is_one_message() -> None:
    before = _Listener(retained=False)
    before.arrived(message_of(1, b"one"))
    before.arrived(message_of(1, b"two"))  # the number is free again once it was acknowledged
    before.arrived(message_of(2, b"three"))
    before.arrived(message_of(2, b"three"))  # alike, but not the same
    after = _Listener(retained=False, kept=json.loads(json.dumps(before.carried())))
    after.arrived(message_of(1, b"two", again=True))
    after.arrived(message_of(2, b"three", again=True))
    after.arrived(message_of(3, b"three", again=True))  # never arrived before
    after.arrived(message_of(3, b"three", again=True))
    assert [one.body for one in after.messages] == [b"one", b"two", b"three", b"three", b"three"]


def test_lost_connection_is_said_and_the_next_try_goes_on(mosquitto: Mosquitto) -> None:
    definition = case_of(
        publish(mosquitto.url, {"n": 1}),
        {**receive(mosquitto.url, count=2, wait=20), "retry": {"for": 20, "every": 0.2}},
    )

    async def main() -> CaseOutcome:
        async with Executors() as executors:
            task = asyncio.create_task(run_case(request_for(definition), executors))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(mosquitto.stop)
            await asyncio.to_thread(mosquitto.start)
            async with Executors() as other:
                await run_case(request_for(case_of(publish(mosquitto.url, {"n": 2}))), other)
            return await task

    outcome = asyncio.run(main())
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.steps[1].tries > 1


def test_tls_by_an_own_authority(mosquitto: Mosquitto) -> None:
    trusted = {"ca": mosquitto.ca_pem}
    outcome = play(publish(mosquitto.tls_url, {"n": 1}, **trusted), receive(mosquitto.tls_url, **trusted))
    assert outcome.state is State.PASSED, outcome.message
    unknown = play(publish(mosquitto.tls_url, {"n": 1}))
    assert unknown.state is State.FAILED
    assert "certificate" in unknown.message.lower()
    other = play(publish(mosquitto.tls_url.replace("localhost", "127.0.0.1"), {"n": 1}, **trusted))
    assert other.state is State.FAILED
    assert "127.0.0.1" in other.message


def test_older_version_has_no_headers(mosquitto: Mosquitto) -> None:
    url = f"{mosquitto.url}?version=3.1.1"
    outcome = play(publish(url, {"n": 1}), receive(url, expect=[{"check": "json", "at": "$.n", "equals": 1}]))
    assert outcome.state is State.PASSED, outcome.message
    refused = play(publish(url, {"n": 1}, headers={"x": "1"}))
    assert refused.state is State.BLOCKED
    assert "3.1.1" in refused.message


def test_what_cannot_be_done_is_blocked_and_what_does_not_answer_fails(mosquitto: Mosquitto) -> None:
    url = mosquitto.url
    for step, words in (
        (publish(url, {}, to="shop/#"), "no topic to publish to"),
        (publish(url, {}, qos=3), "0, 1 or 2"),
        (publish(url, {}, exchange="x", to="y"), "exchange"),
        (publish(url, {}, properties={"colour": "red"}), "colour"),
        (publish("mqtt://127.0.0.1/path", {}), "cannot be used"),
        (publish("mqtt://127.0.0.1?keepalive=1", {}), "only parameter"),
        (publish("mqtt://169.254.169.254", {}), "denied"),
        (receive(url, **{"from": "shop/#/x"}), "no topic"),
        (receive(url, since="42"), "no history"),
        (receive(url, routing_key="x"), "routing_key"),
    ):
        outcome = play(step)
        assert outcome.state is State.BLOCKED, (step, outcome.message)
        assert words in outcome.message
    wrong = play(publish(f"mqtt://tests:wr0ng@127.0.0.1:{mosquitto.port}", {}))
    assert wrong.state is State.FAILED
    assert "refused the login" in wrong.message
    assert "wr0ng" not in str([step.as_dict() for step in wrong.steps])
    silent = play(publish("mqtt://127.0.0.1:1", {}))
    assert silent.state is State.FAILED
    assert "no connection" in silent.message
    denied = play(publish(url, {}), settings=EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.1"])))
    assert denied.state is State.BLOCKED
