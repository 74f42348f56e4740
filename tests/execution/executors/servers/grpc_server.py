"""A real gRPC server with reflection, made from a .proto of its own."""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection
from grpc_tools import protoc

from tests.execution.executors.servers.certificates import Authority

PROTO = """
syntax = "proto3";
package engine_test;
import "google/protobuf/timestamp.proto";
import "engine_test_types.proto";
message Request { string sku = 1; int64 quantity = 2; double seconds = 3; string fail = 4; }
message Reply {
  bool reserved = 1; int64 left = 2; repeated Line lines = 3; map<string, int64> stock = 4;
  google.protobuf.Timestamp at = 5; string note = 6; map<string, string> metadata = 7;
}
service Inventory {
  rpc Reserve(Request) returns (Reply);
  rpc Watch(Request) returns (stream Reply);
  rpc Collect(stream Request) returns (Reply);
  rpc Chat(stream Request) returns (stream Reply);
}
"""
TYPES = """
syntax = "proto3";
package engine_test;
message Line { string sku = 1; uint64 quantity = 2; }
"""


@pytest.fixture(scope="session")
def messages(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder = tmp_path_factory.mktemp("proto")
    (folder / "engine_test.proto").write_text(PROTO)
    (folder / "engine_test_types.proto").write_text(TYPES)
    well_known = Path(protoc.__file__).parent / "_proto"
    for name in ("engine_test_types.proto", "engine_test.proto"):
        assert protoc.main(["", f"-I{folder}", f"-I{well_known}", f"--python_out={folder}", name]) == 0
    sys.path.insert(0, str(folder))
    try:
        return import_module("engine_test_pb2")
    finally:
        sys.path.remove(str(folder))


def _reserve(messages: ModuleType) -> Callable[[Any, grpc.ServicerContext], Any]:
    def reserve(request: Any, context: grpc.ServicerContext) -> Any:
        time.sleep(request.seconds)
        context.set_trailing_metadata((("x-trail", "end"), ("x-raw-bin", b"\x00\x01")))
        if request.fail:
            context.abort(grpc.StatusCode[request.fail], "so the server says")
        seen = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
        line = messages.Reply().lines.add(sku=request.sku, quantity=2**40)
        return messages.Reply(
            reserved=True, left=0, lines=[line], stock={"a": 2**53 + 1}, at={"seconds": 1}, metadata=seen
        )

    return reserve


def _watch(messages: ModuleType) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
    def watch(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """*quantity* replies, *seconds* apart; then the status *fail*. Without a quantity for ever."""
        number = 0
        while context.is_active() and (not request.quantity or number < request.quantity):
            number += 1
            yield messages.Reply(left=number, note="even" if number % 2 == 0 else "odd")
            time.sleep(request.seconds)
        context.set_trailing_metadata((("x-trail", f"after {number}"),))
        if request.fail:
            detail = any_pb2.Any()
            detail.Pack(error_details_pb2.ErrorInfo(reason="SOLD_OUT", domain="shop", metadata={"sku": request.sku}))
            own = any_pb2.Any()
            own.Pack(messages.Reply().lines.add(sku=request.sku, quantity=2**40))
            rich = status_pb2.Status(code=8, message="no more", details=[detail, own])
            context.set_trailing_metadata((("grpc-status-details-bin", rich.SerializeToString()),))
            context.abort(grpc.StatusCode[request.fail], "no more")

    return watch


def _collect(messages: ModuleType) -> Callable[[Iterator[Any], grpc.ServicerContext], Any]:
    def collect(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        lines = [messages.Reply().lines.add(sku=request.sku, quantity=request.quantity) for request in requests]
        seen = {name: value if isinstance(value, str) else value.hex() for name, value in context.invocation_metadata()}
        return messages.Reply(left=len(lines), lines=lines, metadata=seen)

    return collect


def _chat(messages: ModuleType) -> Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Any]]:
    def chat(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Answers each at once, *quantity* times when it is more than one, *seconds* apart; *fail* ends it."""
        for number, request in enumerate(requests, 1):
            if request.fail == "OK":
                return
            if request.fail:
                context.abort(grpc.StatusCode[request.fail], f"at message {number}")
            for left in range(max(1, request.quantity), 0, -1):
                time.sleep(request.seconds)
                yield messages.Reply(note=f"{request.sku}?", left=left)
        yield messages.Reply(note="bye")

    return chat


class GrpcServer:
    """Runs until it is stopped."""

    def __init__(
        self,
        messages: ModuleType,
        *,
        tls: tuple[bytes, bytes] | None = None,
        clients: str = "",
        reflect: bool = True,
    ) -> None:
        """*clients* is the authority that certificates of clients must have."""
        self._messages = messages
        self._clients = clients.encode()
        self._tls = tls
        self.reflect = reflect
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start at a free port, or at the one it had."""
        request, reply = self._messages.Request, self._messages.Reply
        handlers = {
            "Reserve": grpc.unary_unary_rpc_method_handler(
                _reserve(self._messages), request.FromString, reply.SerializeToString
            ),
            "Watch": grpc.unary_stream_rpc_method_handler(
                _watch(self._messages), request.FromString, reply.SerializeToString
            ),
            "Collect": grpc.stream_unary_rpc_method_handler(
                _collect(self._messages), request.FromString, reply.SerializeToString
            ),
            "Chat": grpc.stream_stream_rpc_method_handler(
                _chat(self._messages), request.FromString, reply.SerializeToString
            ),
        }
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("engine_test.Inventory", handlers),)
        )
        if self.reflect:
            reflection.enable_server_reflection(("engine_test.Inventory", reflection.SERVICE_NAME), self._server)
        place = f"127.0.0.1:{self.port}"
        if self._tls:
            credentials = grpc.ssl_server_credentials([self._tls], self._clients or None, bool(self._clients))
            self.port = self._server.add_secure_port(place, credentials)
        else:
            self.port = self._server.add_insecure_port(place)
        self._server.start()

    def stop(self) -> None:
        """End every call and close."""
        self._server.stop(0).wait()


@pytest.fixture
def grpc_server(messages: ModuleType) -> Iterator[GrpcServer]:
    server = GrpcServer(messages)
    yield server
    server.stop()


@pytest.fixture
def grpc_tls_server(messages: ModuleType, authority: Authority) -> Iterator[GrpcServer]:
    server = GrpcServer(messages, tls=authority.pair("localhost"))
    yield server
    server.stop()
