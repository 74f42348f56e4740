"""The frame of the gRPC service: handlers without generated stubs, spans, faults, reflection, health."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from examples.shop import telemetry
from examples.shop.control import FaultKind, Switches
from examples.shop.process import Service

MALFORMED = b"\xff\xff\xff\xff"
"""Bytes that no protobuf message can begin with."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Method = Callable[[Any, Context, Switches], Awaitable[Message]]
Operations = Mapping[str, tuple[str, Method]]
"""Name of the gRPC method → the operation by which faults are switched, and its handler."""


@asynccontextmanager
async def serving_grpc(
    service: Service, descriptor: ServiceDescriptor, operations: Operations, address: str
) -> AsyncIterator[None]:
    """Serve *operations* of *descriptor* at *address* (``host:port``), with reflection and health."""
    server = grpc.aio.server()
    handlers = {method.name: _handler(service, method, *operations[method.name]) for method in descriptor.methods}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(descriptor.full_name, handlers),))
    health_servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    names = (descriptor.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    server.add_insecure_port(address)
    await server.start()
    for name in ("", descriptor.full_name):
        await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield
    finally:
        await server.stop(grace=0.5)


def _handler(
    service: Service, descriptor: MethodDescriptor, operation: str, method: Method
) -> "grpc.RpcMethodHandler[Any, Any]":
    name = f"{descriptor.containing_service.full_name}/{descriptor.name}"
    attributes = {"rpc.system.name": "grpc", "rpc.method": name, "shop.operation": operation}

    async def handle(request: Message, context: Context) -> Message | bytes:
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        with telemetry.server_span(name, metadata, attributes):
            switches = await service.control.read()
            await context.send_initial_metadata((("shop-version", switches.version),))
            fault = switches.faults.get(operation)
            if fault is not None:
                await _before(context, fault.kind, fault.seconds)
            answer = await method(request, context, switches)
            return MALFORMED if fault is not None and fault.kind is FaultKind.MALFORMED else answer

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=GetMessageClass(descriptor.input_type).FromString,
        response_serializer=_serialized,
    )


def _serialized(answer: Message | bytes) -> bytes:
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


async def _before(context: Context, kind: FaultKind, seconds: float) -> None:
    if kind is FaultKind.DELAY:
        await asyncio.sleep(seconds)
    elif kind is FaultKind.ERROR:
        await context.abort(grpc.StatusCode.INTERNAL, "a fault is switched on")
    elif kind is FaultKind.LOST:
        await asyncio.Event().wait()  # no answer ever: the caller's deadline ends it
