"""gRPC steps that send after what they received."""

from typing import Any

from apps.catalog.definition import normalise, validate
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.settings import EngineSettings
from tests.execution.engine.running import case_of, run_step
from tests.execution.executors.servers.grpc_server import GrpcServer


def talk(server: GrpcServer, *turns: dict[str, Any], method: str = "Chat", **more: Any) -> StepOutcome:
    given = {"target": f"localhost:{server.port}", "method": f"engine_test.Inventory/{method}", "exchange": list(turns)}
    return run_step("grpc", given | more.pop("given", {}), **more)


def say(sku: str, **more: Any) -> dict[str, Any]:
    return {"message": {"sku": sku, **more}}


def test_each_message_is_sent_after_what_was_waited_for(grpc_server: GrpcServer) -> None:
    outcome = talk(
        grpc_server,
        say("A", quantity=3),
        {"receive": {"where": {"left": 1}, "wait": 5}},
        say("{{ second }}"),
        {"receive": {}},
        row={"second": "B"},
        expect=[
            {"check": "messages", "at": "$[*].note", "equals": ["A?", "A?", "A?", "B?", "bye"]},
            {"check": "message", "at": "$.left", "equals": 3},
            {"check": "status", "equals": "OK"},
        ],
        capture={"last": {"from": "messages", "at": "$[-1].note"}},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"last": "bye"}
    assert outcome.request["exchange"][2] == say("B")


def test_silence_can_be_listened_to_before_the_next_message(grpc_server: GrpcServer) -> None:
    outcome = talk(grpc_server, say("A"), {"receive": {}}, {"receive": {"wait": 0.3}}, say("B"))
    assert outcome.state is State.PASSED, outcome.message
    first, second, _bye = outcome.response["at_ms"]
    assert second - first >= 300, "the second message was sent while the first one's answer was still waited for"


def test_what_does_not_come_says_which_turn_waited(grpc_server: GrpcServer) -> None:
    ask = say("A", quantity=2)
    missing = talk(grpc_server, ask, {"receive": {"where": {"note": "paid"}, "wait": 0.2}}, say("B"))
    assert missing.state is State.FAILED
    assert missing.message == "exchange[1]: 0 of 1 messages with note paid came (2 came in all) within 0.2 s"
    assert [message["left"] for message in missing.response["messages"]] == [2, 1]
    late = talk(grpc_server, ask, {"receive": {"count": 3}}, timeout=0.4)
    assert late.state is State.FAILED
    assert late.message == "exchange[1]: 2 of 3 messages came within 0.4 s"
    many = talk(grpc_server, say("A", quantity=50), {"receive": {"count": 50}}, settings=EngineSettings(rows=20))
    assert many.state is State.FAILED
    assert many.message == "exchange[1]: more came than is read: 20 messages"


def test_the_server_may_end_the_call_first(grpc_server: GrpcServer) -> None:
    ended = talk(grpc_server, say("A"), say("", fail="OK"), {"closed": 5})
    assert ended.state is State.PASSED, ended.message
    assert [message["note"] for message in ended.response["messages"]] == ["A?"]
    stays = talk(grpc_server, say("A"), {"closed": 0.2})
    assert stays.message == "exchange[1]: the other side did not end the call within 0.2 s"
    early = talk(grpc_server, say("", fail="OK"), {"receive": {}})
    assert early.state is State.FAILED
    assert early.message == "exchange[1]: 0 of 1 messages came; the server ended the call"
    unsent = talk(grpc_server, say("", fail="OK"), {"closed": 5}, say("B"))
    assert unsent.message == "exchange[2] could not be sent; the server ended the call"


def test_a_status_is_an_answer_that_can_be_checked(grpc_server: GrpcServer) -> None:
    for behind in ({"receive": {}}, {"closed": 5}, {"receive": {"count": 2, "wait": 5}}):
        outcome = talk(
            grpc_server,
            say("A"),
            {"receive": {}},
            say("B", fail="RESOURCE_EXHAUSTED"),
            behind,
            say("C"),
            expect=[
                {"check": "status", "equals": "RESOURCE_EXHAUSTED"},
                {"check": "reason", "equals": "at message 2"},
                {"check": "messages", "count": 1},
            ],
        )
        assert outcome.state is State.PASSED, (behind, outcome.message)
    unasked = talk(grpc_server, say("B", fail="RESOURCE_EXHAUSTED"), {"receive": {}})
    assert unasked.state is State.FAILED
    assert "RESOURCE_EXHAUSTED" in unasked.message


def test_after_the_turns_reading_may_stop(grpc_server: GrpcServer) -> None:
    outcome = talk(
        grpc_server, say("A"), {"receive": {}}, say("B", quantity=9, seconds=0.05), given={"stream": {"count": 2}}
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.response["ended"] == "by the step"
    assert [message["note"] for message in outcome.response["messages"]] == ["A?", "B?", "B?"]


def test_a_conversation_that_cannot_be_held_blocks_before_anything_is_sent(grpc_server: GrpcServer) -> None:
    wrong = talk(grpc_server, say("A"), {"receive": {}}, {"message": {"colour": "red"}})
    assert wrong.state is State.BLOCKED
    assert "with.exchange[2].message does not fit" in wrong.message
    one_way = talk(grpc_server, say("A"), method="Watch")
    assert one_way.state is State.BLOCKED
    assert "does not stream in both directions" in one_way.message


def test_a_turn_is_one_thing(grpc_server: GrpcServer) -> None:
    def problems_of(**given: Any) -> list[tuple[str, str]]:
        step = {"name": "s", "kind": "grpc", "with": {"target": "h:1", "method": "a.B/C", **given}}
        return [(problem.path, problem.message) for problem in validate(normalise(case_of(step)))]

    assert problems_of(exchange=[say("A"), {"receive": {}}, {"closed": 1}]) == []
    ((where, _said),) = problems_of(exchange=[{**say("A"), "receive": {}}])
    assert where.startswith("steps[0].with.exchange[0]")
    assert "only one of" in problems_of(exchange=[say("A")], message={})[0][1]
