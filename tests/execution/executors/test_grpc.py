"""gRPC steps against a real server with reflection."""

import asyncio
import socket
from types import ModuleType
from typing import Any

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import CaseOutcome, State, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for, run, run_step
from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.grpc_server import GrpcServer
from tests.execution.test_worker import wait_until

METHOD = "engine_test.Inventory/Reserve"


def call(port: int, message: dict[str, Any] | None = None, **more: Any) -> StepOutcome:
    given = {"target": f"localhost:{port}", "method": METHOD, "message": message or {"sku": "A"}}
    params = more.pop("params", {})
    if "messages" in params:
        del given["message"]
    return run_step("grpc", {**given, **params}, **more)


def test_message_is_an_object_with_every_field(grpc_server: GrpcServer) -> None:
    outcome = call(
        grpc_server.port,
        {"sku": "{{ sku }}", "quantity": "{{ quantity }}"},
        row={"sku": "A1", "quantity": 3},
        expect=[
            {"check": "status", "equals": "OK"},
            {"check": "message", "at": "$.reserved", "equals": True},
            {"check": "message", "at": "$.left", "equals": 0},
            {"check": "message", "at": "$.lines[0].quantity", "equals": 2**40},
            {"check": "message", "at": "$.stock.a", "equals": 2**53 + 1},
            {"check": "message", "at": "$.note", "equals": ""},
            {"check": "message", "at": "$.at", "equals": "1970-01-01T00:00:01Z"},
            {"check": "header", "at": "x-trail", "equals": "end"},
        ],
        capture={"sku_seen": "$.lines[0].sku"},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"sku_seen": "A1"}
    assert outcome.timings["total"] > 0


def test_metadata_and_trace_context_are_sent(grpc_server: GrpcServer) -> None:
    params = {
        "target": f"localhost:{grpc_server.port}",
        "method": METHOD,
        "metadata": {"X-Tenant": "{{ K }}", "x-number": 5},
    }
    step = {"name": "s", "kind": "grpc", "with": params}
    outcome = run(case_of(step), secrets={"K": "tenant-secret"})
    seen = outcome.steps[0].response["message"]["metadata"]
    assert seen["x-tenant"] == "***"
    assert seen["x-number"] == "5"
    assert seen["traceparent"].split("-")[1] == outcome.trace_id


def test_status_of_the_server_is_an_answer(grpc_server: GrpcServer) -> None:
    unexpected = call(grpc_server.port, {"fail": "NOT_FOUND"})
    assert unexpected.state is State.FAILED
    assert "NOT_FOUND" in unexpected.message
    assert unexpected.response["details"] == "so the server says"
    wanted = call(grpc_server.port, {"fail": "UNAVAILABLE"}, expect=[{"check": "status", "equals": "UNAVAILABLE"}])
    assert wanted.state is State.PASSED, wanted.message
    no_message = call(
        grpc_server.port,
        {"fail": "NOT_FOUND"},
        expect=[{"check": "status", "one_of": ["NOT_FOUND"]}, {"check": "message", "at": "$.left", "equals": 0}],
    )
    assert "there is no message" in no_message.message


def test_what_does_not_fit_the_server_is_blocked(grpc_server: GrpcServer, messages: ModuleType) -> None:
    cases = [
        ({"method": "engine_test.Inventory/Sell"}, "Reserve"),
        ({"method": "engine_test.Shop/Sell"}, "engine_test.Shop"),
        ({"method": "Reserve"}, "package.Service/Method"),
        ({"messages": [{"sku": "A"}]}, "one message"),
        ({"stream": {"count": 1}}, "no meaning"),
        ({"metadata": {"x-bin": "no Base64"}}, "Base64"),
        ({"message": {"colour": "red"}}, "colour"),
        ({"message": {"quantity": "many"}}, "quantity"),
        ({"target": "localhost"}, "host:port"),
        ({"target": "localhost:99999"}, "host:port"),
        ({"target": "169.254.169.254:443"}, "denied"),
        ({"metadata": {"x": "zwei\nZeilen"}}, "metadata"),
    ]
    for params, word in cases:
        outcome = call(grpc_server.port, params=params, timeout=5)
        assert outcome.state is State.BLOCKED, (params, outcome.message)
        assert word in outcome.message
    silent = GrpcServer(messages, reflect=False)
    try:
        assert "reflection" in call(silent.port).message
    finally:
        silent.stop()


def test_no_server_and_no_answer_are_failures(grpc_server: GrpcServer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = call(unused.getsockname()[1])
    assert refused.state is State.FAILED
    assert "no connection" in refused.message
    slow = call(grpc_server.port, {"seconds": 2}, timeout=0.3)
    assert slow.state is State.FAILED
    assert "0.3 s" in slow.message


def test_tls_by_an_own_authority(grpc_tls_server: GrpcServer, authority: Authority) -> None:
    port = grpc_tls_server.port
    trusted = call(port, params={"tls": True, "ca": authority.pem})
    assert trusted.state is State.PASSED, trusted.message
    unknown = call(port, params={"tls": True}, timeout=3)
    assert unknown.state is State.FAILED
    assert "no connection" in unknown.message
    plain = call(port, timeout=3)
    assert plain.state is State.FAILED


def test_denied_network_is_blocked(grpc_server: GrpcServer) -> None:
    settings = EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.0/8", "::1/128"]))
    assert call(grpc_server.port, settings=settings).state is State.BLOCKED


def test_server_that_was_started_again_is_found_again(grpc_server: GrpcServer) -> None:
    step = {"name": "s", "kind": "grpc", "with": {"target": f"localhost:{grpc_server.port}", "method": METHOD}}

    async def main() -> list[State]:
        states = []
        async with Executors() as executors:
            request = request_for(case_of(step))
            states.append((await run_case(request, executors)).state)
            await asyncio.to_thread(grpc_server.stop)
            states.append((await run_case(request, executors)).state)
            await asyncio.to_thread(grpc_server.start)
            states.append((await run_case(request, executors)).state)
        return states

    assert asyncio.run(main()) == [State.PASSED, State.FAILED, State.PASSED]


def test_types_are_asked_for_again_when_the_server_was_started_again(grpc_server: GrpcServer) -> None:
    step = {"name": "s", "kind": "grpc", "with": {"target": f"localhost:{grpc_server.port}", "method": METHOD}}

    async def main() -> CaseOutcome:
        async with Executors() as executors:
            request = request_for(case_of(step))
            assert (await run_case(request, executors)).state is State.PASSED
            assert (await run_case(request, executors)).state is State.PASSED
            await asyncio.to_thread(grpc_server.stop)
            targets = executors.find("grpc")._targets.values()  # type: ignore[attr-defined]
            # A busy machine is told later that a server has ended.
            await asyncio.to_thread(wait_until, lambda: not any(target.is_fresh for target in targets))
            grpc_server.reflect = False
            await asyncio.to_thread(grpc_server.start)
            return await run_case(request, executors)

    outcome = asyncio.run(main())
    assert outcome.state is State.BLOCKED, outcome.steps[0].response
    assert "reflection" in outcome.message


def test_many_calls_at_once_ask_for_the_types_once(grpc_server: GrpcServer) -> None:
    step = {"name": "s", "kind": "grpc", "with": {"target": f"localhost:{grpc_server.port}", "method": METHOD}}

    async def main() -> None:
        async with Executors() as executors:
            outcomes = await asyncio.gather(*(run_case(request_for(case_of(step)), executors) for _ in range(100)))
        assert {outcome.state for outcome in outcomes} == {State.PASSED}

    asyncio.run(main())
