"""``publish`` and ``receive`` with a real RabbitMQ."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiormq
import pytest
from aiormq.abc import AbstractChannel

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import CaseOutcome, State
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for, run, run_step

Admin = Callable[[Callable[[AbstractChannel], Awaitable[Any]]], Any]


@pytest.fixture
def admin(rabbitmq: str) -> Admin:
    """``admin(async function of a channel)`` → its result."""

    def do(work: Callable[[AbstractChannel], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            connection = await aiormq.connect(rabbitmq)
            try:
                return await work(await connection.channel())
            finally:
                await connection.close()

        return asyncio.run(main())

    return do


@pytest.fixture
def exchange(admin: Admin) -> Any:
    """A topic exchange and the queue ``orders``, both empty."""

    async def make(channel: AbstractChannel) -> None:
        await channel.exchange_declare("shop", exchange_type="topic")
        await channel.queue_declare("orders", durable=True)
        await channel.queue_purge("orders")

    admin(make)
    return "shop"


def ready(admin: Admin, queue: str) -> int:
    """Messages that wait in *queue*."""

    async def look(channel: AbstractChannel) -> int:
        return int((await channel.queue_declare(queue, passive=True)).message_count or 0)

    return int(admin(look))


def publish(url: str, json: Any = None, **given: Any) -> dict[str, Any]:
    body = {} if json is None else {"json": json}
    return {"name": "p", "kind": "publish", "with": {"url": url, **body, **given}}


def receive(url: str, expect: Any = (), **given: Any) -> dict[str, Any]:
    return {"name": "r", "kind": "receive", "with": {"url": url, "wait": 3, **given}, "expect": list(expect)}


def play(*steps: dict[str, Any], **more: Any) -> CaseOutcome:
    return run(case_of(*steps), **more)


def test_exchange_is_watched_from_the_beginning_of_the_case(rabbitmq: str, exchange: str, admin: Admin) -> None:
    outcome = play(
        publish(rabbitmq, {"n": 1}, exchange=exchange, routing_key="order.created"),
        publish(rabbitmq, {"n": 2}, exchange=exchange, routing_key="mail.sent"),
        publish(rabbitmq, {"n": 3}, exchange=exchange, routing_key="order.paid", headers={"Attempt": 2}),
        receive(
            rabbitmq,
            exchange=exchange,
            routing_key="order.*",
            count=2,
            expect=[
                {"check": "messages", "at": "$[*].json.n", "equals": [1, 3]},
                {"check": "messages", "at": "$[1].headers.Attempt", "equals": 2},
                {"check": "messages", "at": "$[0].routing_key", "equals": "order.created"},
                {"check": "header", "at": "traceparent", "matches": "^00-"},
            ],
        ),
        # Another look at the same: nothing was used up.
        receive(rabbitmq, exchange=exchange, routing_key="order.*", where={"$.n": 3}),
        receive(rabbitmq, exchange=exchange, count=3),
    )
    assert outcome.state is State.PASSED, outcome.message
    trace = outcome.steps[3].response["messages"][0]["headers"]["traceparent"]
    assert trace.split("-")[1] == outcome.trace_id


def test_what_listened_is_gone_after_the_case(rabbitmq: str, exchange: str, admin: Admin) -> None:
    unrouted = publish(rabbitmq, {"n": 1}, exchange=exchange, routing_key="order.created", mandatory=True)
    assert play(unrouted, receive(rabbitmq, exchange=exchange)).state is State.PASSED
    after = play(unrouted)
    assert after.state is State.FAILED
    assert "no queue takes the message" in after.message
    watched = play(receive(rabbitmq, exchange=exchange, since="now", count=0, wait=0.1))
    assert watched.state is State.PASSED, watched.message
    assert play(unrouted).state is State.FAILED


def test_queue_is_read_and_only_what_fits_is_taken_away(rabbitmq: str, exchange: str, admin: Admin) -> None:
    messages = [publish(rabbitmq, {"n": n}, to="orders") for n in range(4)]
    outcome = play(*messages, receive(rabbitmq, **{"from": "orders", "where": {"$.n": [1, 2]}, "count": 2}))
    assert outcome.state is State.PASSED, outcome.message
    assert ready(admin, "orders") == 2
    rest = play(receive(rabbitmq, count=2, **{"from": "orders"},
                        expect=[{"check": "messages", "at": "$[*].json.n", "equals": [0, 3]}]))  # fmt: skip
    assert rest.state is State.PASSED, rest.message
    assert ready(admin, "orders") == 0
    nothing = play(receive(rabbitmq, wait=0.1, **{"from": "orders"}))
    assert nothing.state is State.FAILED
    assert "no message came" in nothing.message


def test_properties_go_along_and_come_back(rabbitmq: str, exchange: str) -> None:
    given = {
        "correlation_id": "c-{{ 1 + 1 }}",
        "type": "order",
        "priority": 3,
        "message_id": "m1",
        "content_type": "x/y",
    }
    sent = publish(rabbitmq, {"n": 1}, to="orders", properties=given, persistent=False)
    outcome = play(sent, receive(rabbitmq, **{"from": "orders"}))
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.steps[0].response["id"] == "m1"
    told = outcome.steps[1].response["messages"][0]["properties"]
    assert told == {**given, "correlation_id": "c-2", "delivery_mode": 1}
    wrong = play(publish(rabbitmq, {"n": 1}, to="orders", properties={"colour": "red"}))
    assert wrong.state is State.BLOCKED
    assert "no property “colour”" in wrong.message


def test_text_and_binary_bodies_are_shown(rabbitmq: str, exchange: str, admin: Admin) -> None:
    async def send(channel: AbstractChannel) -> None:
        await channel.basic_publish(b"\x00\xff", routing_key="orders")

    admin(send)
    text = {"name": "p", "kind": "publish", "with": {"url": rabbitmq, "to": "orders", "body": "ño"}}
    outcome = play(text, receive(rabbitmq, count=2, **{"from": "orders"}))
    bodies = [one["body"] for one in outcome.steps[1].response["messages"]]
    assert bodies == ["base64:AP8=", "ño"]
    assert outcome.steps[1].response["messages"][1]["properties"]["content_type"] == "text/plain"


def test_message_that_came_while_a_person_worked_is_received(rabbitmq: str, exchange: str, admin: Admin) -> None:
    person = {"name": "Pay", "kind": "manual", "with": {"instructions": "Pay it"}}
    sent = publish(rabbitmq, {"n": 1}, exchange=exchange, routing_key="order.created")
    definition = case_of(sent, person, receive(rabbitmq, exchange=exchange, count=2))
    first = run(definition)

    async def send(channel: AbstractChannel) -> None:
        await channel.basic_publish(b'{"n": 2}', exchange=exchange, routing_key="order.paid")

    admin(send)
    second = run(definition, start_at=2, captured=first.resume, trace_id=first.trace_id)
    assert second.state is State.PASSED, second.message
    assert [one["json"]["n"] for one in second.steps[0].response["messages"]] == [1, 2]
    unrouted = publish(rabbitmq, {"n": 1}, exchange=exchange, routing_key="order.created", mandatory=True)
    assert play(unrouted).state is State.FAILED  # its queue is gone


def test_listening_ends_also_when_a_person_ends_the_case(rabbitmq: str, exchange: str) -> None:
    person = {"name": "Pay", "kind": "manual", "with": {"instructions": "Pay it"}}
    definition = case_of(receive(rabbitmq, exchange=exchange, count=0, wait=0.1), person)
    first = run(definition)
    run(definition, start_at=2, captured=first.resume)
    unrouted = publish(rabbitmq, {"n": 1}, exchange=exchange, routing_key="order.created", mandatory=True)
    assert play(unrouted).state is State.FAILED


def test_missing_queues_and_exchanges_are_failures_and_history_is_not_promised(rabbitmq: str, exchange: str) -> None:
    lost = play(publish(rabbitmq, {"n": 1}, to="nobody"))
    assert lost.state is State.FAILED
    assert "no queue takes the message" in lost.message
    nowhere = play(publish(rabbitmq, {"n": 1}, exchange="nowhere"))
    assert nowhere.state is State.FAILED
    assert "nowhere" in nowhere.message
    from_nowhere = play(receive(rabbitmq, exchange="nowhere"))
    assert "(when the case began)" in from_nowhere.message
    assert play(receive(rabbitmq, **{"from": "nobody"})).state is State.FAILED
    past = play(receive(rabbitmq, exchange=exchange, since="start"))
    assert past.state is State.BLOCKED
    assert "keeps no history" in past.message
    # The connection and its channels are as good as before.
    steps = [publish(rabbitmq, {"n": 1}, to="nobody"), publish(rabbitmq, {"n": 1}, to="orders")]
    outcome = play({**steps[0], "optional": True}, steps[1], receive(rabbitmq, **{"from": "orders"}))
    assert outcome.state is State.PASSED, outcome.message


def test_deleted_queue_ends_the_waiting(rabbitmq: str, exchange: str, admin: Admin) -> None:
    async def later(channel: AbstractChannel) -> None:
        await channel.queue_declare("shortlived")

    admin(later)
    reading = receive(rabbitmq, since="now", wait=60, **{"from": "shortlived"})

    async def main() -> CaseOutcome:
        async with Executors() as executors:
            case = asyncio.create_task(run_case(request_for(case_of(reading)), executors))
            connection = await aiormq.connect(rabbitmq)
            channel = await connection.channel()
            while not case.done() and not (await channel.queue_declare("shortlived", passive=True)).consumer_count:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await channel.queue_delete("shortlived")
            outcome = await case
            await connection.close()
            return outcome

    outcome = asyncio.run(main())
    assert outcome.state is State.FAILED
    assert "was deleted" in outcome.message


def test_refused_logins_and_denied_addresses_and_strange_urls(rabbitmq: str) -> None:
    place = rabbitmq.rpartition("@")[2]
    login = play(publish(f"amqp://guest:wr0ng-pass@{place}", {"n": 1}, to="orders"))
    assert login.state is State.FAILED
    assert "refused the login" in login.message
    assert "wr0ng-pass" not in str(login.steps[0].as_dict())
    gone = play(publish("amqp://guest:guest@127.0.0.1:1/", {"n": 1}, to="orders"))
    assert gone.state is State.FAILED
    assert "no connection to amqp://guest:***@127.0.0.1:1" in gone.message
    denying = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.1"]))
    denied = play(publish(rabbitmq, {"n": 1}, to="orders"), settings=denying)
    assert denied.state is State.BLOCKED
    assert "may not be reached" in denied.message
    file = run_step("publish", {"url": f"{rabbitmq}?cafile=/etc/passwd", "to": "orders"})
    assert file.state is State.BLOCKED
    assert "cafile is not allowed" in file.message
    ca = run_step("publish", {"url": "amqps://127.0.0.1:1/", "to": "orders", "ca": "no certificate"})
    assert ca.state is State.BLOCKED
    assert "with.ca" in ca.message
