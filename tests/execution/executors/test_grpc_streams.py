"""gRPC steps whose methods stream, bring their own types, and show certificates."""

import base64
from types import ModuleType
from typing import Any

import pytest

from apps.catalog.definition import normalise, validate
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.settings import EngineSettings
from tests.execution.engine.running import case_of, run_step
from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.grpc_server import PROTO, TYPES, GrpcServer

FILES = [{"name": "engine_test.proto", "text": PROTO}, {"name": "engine_test_types.proto", "text": TYPES}]


def call(port: int, method: str, params: dict[str, Any], **more: Any) -> StepOutcome:
    given = {"target": f"localhost:{port}", "method": f"engine_test.Inventory/{method}", **params}
    return run_step("grpc", given, **more)


def test_messages_of_a_server_stream_come_in_order(grpc_server: GrpcServer) -> None:
    outcome = call(
        grpc_server.port,
        "Watch",
        {"message": {"quantity": 4}},
        expect=[
            {"check": "messages", "count": 4},
            {"check": "messages", "at": "$[2].left", "equals": 3},
            {"check": "messages", "at": "$[*].note", "equals": ["odd", "even", "odd", "even"]},
            {"check": "messages", "at": "$[*].left", "in_order": [1, 4]},
            {"check": "message", "at": "$.left", "equals": 1},
            {"check": "trailer", "at": "x-trail", "equals": "after 4"},
            {"check": "status", "equals": "OK"},
        ],
        capture={"last": {"from": "messages", "at": "$[-1].left"}},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"last": 4}
    assert [message["left"] for message in outcome.response["messages"]] == [1, 2, 3, 4]
    assert outcome.response["at_ms"] == sorted(outcome.response["at_ms"])


def test_messages_are_sent_as_a_stream(grpc_server: GrpcServer) -> None:
    sent = [{"sku": "A", "quantity": "{{ n }}"}, {"sku": "B"}]
    metadata = {"x-raw-bin": base64.b64encode(b"\x00\xff").decode()}
    outcome = call(
        grpc_server.port,
        "Collect",
        {"messages": sent, "metadata": metadata},
        row={"n": 3},
        expect=[
            {"check": "message", "at": "$.lines[*].sku", "equals": ["A", "B"]},
            {"check": "message", "at": "$.lines[0].quantity", "equals": 3},
            {"check": "message", "at": "$.metadata['x-raw-bin']", "equals": "00ff"},
        ],
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.request["messages"] == [{"sku": "A", "quantity": 3}, {"sku": "B"}]
    one = call(grpc_server.port, "Collect", {"message": {"sku": "A"}})
    assert one.response["message"]["left"] == 1
    none = call(grpc_server.port, "Collect", {})
    assert none.response["message"]["left"] == 0
    wrong = call(grpc_server.port, "Collect", {"messages": [{"sku": "A"}, {"colour": "red"}]})
    assert wrong.state is State.BLOCKED
    assert "with.messages[1]" in wrong.message


def test_both_sides_stream(grpc_server: GrpcServer) -> None:
    outcome = call(
        grpc_server.port,
        "Chat",
        {"messages": [{"sku": "A"}, {"sku": "B"}]},
        expect=[{"check": "messages", "at": "$[*].note", "equals": ["A?", "B?", "bye"]}],
    )
    assert outcome.state is State.PASSED, outcome.message


def test_stream_without_end_is_read_until_what_is_wanted_came(grpc_server: GrpcServer) -> None:
    port, endless = grpc_server.port, {"seconds": 0.01}
    three = call(port, "Watch", {"message": endless, "stream": {"count": 3}})
    assert three.state is State.PASSED, three.message
    assert len(three.response["messages"]) == 3
    assert three.response["ended"] == "by the step"
    selective = {"where": {"note": "even"}, "count": 2}
    even = call(port, "Watch", {"message": endless, "stream": selective})
    assert [message["left"] for message in even.response["messages"]] == [1, 2, 3, 4]
    timed = call(port, "Watch", {"message": endless, "stream": {"wait": 0.3}})
    assert timed.state is State.PASSED, timed.message
    assert timed.response["messages"]
    never = call(port, "Watch", {"message": endless, "stream": {"where": {"note": "none"}, "wait": 0.3}})
    assert never.state is State.FAILED
    assert "0 of 1 messages with note none came within 0.3 s" in never.message
    assert never.response["messages"]
    short = call(port, "Watch", {"message": {"quantity": 2}, "stream": {"count": 3, "wait": 5}})
    assert short.message == "2 of 3 messages came before the server ended the stream"


def test_what_is_read_is_bounded_in_number_size_and_time(grpc_server: GrpcServer) -> None:
    many = call(grpc_server.port, "Watch", {"message": {}}, settings=EngineSettings(rows=20))
    assert many.state is State.PASSED, many.message
    assert len(many.response["messages"]) == 20
    assert "first 20 messages" in many.notes[0]
    large = call(grpc_server.port, "Watch", {"message": {}}, settings=EngineSettings(body_read=4000))
    assert large.truncated
    late = call(grpc_server.port, "Watch", {"message": {"seconds": 0.05}}, timeout=0.4)
    assert late.state is State.FAILED
    assert "did not end within 0.4 s" in late.message
    assert late.response["messages"]


def test_status_after_messages_with_its_details(grpc_server: GrpcServer) -> None:
    outcome = call(
        grpc_server.port,
        "Watch",
        {"message": {"quantity": 2, "sku": "MUG", "fail": "RESOURCE_EXHAUSTED"}},
        expect=[
            {"check": "status", "equals": "RESOURCE_EXHAUSTED"},
            {"check": "reason", "equals": "no more"},
            {"check": "messages", "count": 2},
            {"check": "details", "at": "$[0].reason", "equals": "SOLD_OUT"},
            {"check": "details", "at": "$[0].metadata.sku", "equals": "MUG"},
            {"check": "details", "at": "$[?@['@type'] == 'engine_test.Line'].quantity", "equals": 2**40},
        ],
    )
    assert outcome.state is State.PASSED, outcome.message


def test_types_of_the_step_serve_a_server_without_reflection(messages: ModuleType) -> None:
    server = GrpcServer(messages, reflect=False)
    try:
        by_text = call(server.port, "Reserve", {"message": {"sku": "A"}, "proto": FILES})
        assert by_text.state is State.PASSED, by_text.message
        assert by_text.response["message"]["lines"][0]["quantity"] == 2**40
        variable = [{"name": "engine_test.proto", "text": "{{ MAIN }}"}, FILES[1]]
        by_variable = call(
            server.port, "Chat", {"messages": [{"sku": "A"}], "proto": variable}, variables={"MAIN": PROTO}
        )
        assert by_variable.state is State.PASSED, by_variable.message
        broken = call(server.port, "Reserve", {"proto": variable}, variables={"MAIN": PROTO.replace("= 1;", "1;")})
        assert broken.state is State.BLOCKED
        assert "engine_test.proto, line 6, column 30" in broken.message
        files = messages.DESCRIPTOR.pool
        known = [files.FindFileByName(one["name"]) for one in FILES]
        whole = base64.b64encode(_descriptor_set(known)).decode()
        by_set = call(server.port, "Reserve", {"message": {"sku": "A"}, "descriptors": whole})
        assert by_set.state is State.PASSED, by_set.message
        part = base64.b64encode(_descriptor_set(known[:1])).decode()
        lacking = call(server.port, "Reserve", {"descriptors": part})
        assert lacking.state is State.BLOCKED
        assert "--include_imports" in lacking.message
        unknown = call(server.port, "Sell", {"proto": FILES})
        assert "it has Reserve, Watch, Collect, Chat" in unknown.message
    finally:
        server.stop()


def _descriptor_set(files: list[Any]) -> bytes:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    found = FileDescriptorSet()
    for file in files:
        file.CopyToProto(found.file.add())
    return found.SerializeToString()


def problems_of(**given: Any) -> list[tuple[str, str]]:
    step = {"name": "s", "kind": "grpc", "with": {"target": "h:1", "method": "a.B/C", **given}}
    return [(problem.path, problem.message) for problem in validate(normalise(case_of(step)))]


def test_proto_that_cannot_be_compiled_is_refused_with_line_and_column() -> None:
    broken = [{"name": "shop.proto", "text": 'syntax = "proto3";\nmessage M {\n  int32 a = 1\n  int32 b = 2;\n}\n'}]
    (where, said), *_others = problems_of(proto=broken)
    assert where == "steps[0].with.proto[0].text"
    assert "shop.proto, line 4, column 3" in said
    (where, said), *_others = problems_of(proto=[FILES[0]])
    assert "engine_test_types.proto" in said
    assert problems_of(proto=FILES) == []
    assert problems_of(proto=[{"name": "a.proto", "text": "{{ SHOP_PROTO }}"}]) == []
    for name in ("../a.proto", "/etc/a.proto", "a/../b.proto", "a"):
        (_where, said) = problems_of(proto=[{"name": name, "text": ""}])[-1]
        assert "shop/inventory.proto" in said or "empty" in said
    assert problems_of(descriptors="bm9uc2Vuc2U=")[0][0] == "steps[0].with.descriptors"
    assert "only one of" in problems_of(proto=FILES, descriptors="{{ D }}")[0][1]


@pytest.mark.parametrize("encrypted", [False, True])
def test_client_shows_its_certificate(messages: ModuleType, authority: Authority, encrypted: bool) -> None:
    server = GrpcServer(messages, tls=authority.pair("localhost"), clients=authority.pem)
    client = authority.client("client", "pass phrase" if encrypted else "")
    given = {"message": {"sku": "A"}, "tls": True, "ca": authority.pem}
    try:
        shown = call(server.port, "Reserve", {**given, "client": client})
        assert shown.state is State.PASSED, shown.message
        assert client["key"] not in str(shown.as_dict())
        unknown = call(server.port, "Reserve", given, timeout=3)
        assert unknown.state is State.FAILED
        wrong = call(server.port, "Reserve", {**given, "client": {"certificate": "nonsense"}})
        assert wrong.state is State.BLOCKED
        assert "PEM" in wrong.message
    finally:
        server.stop()
