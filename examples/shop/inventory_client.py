"""``orders``' calls to ``inventory``: gRPC with trace context, a deadline, and refusals as shop errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from examples.shop import telemetry
from examples.shop.errors import ShopError
from examples.shop.protocol import inventory_pb2 as messages

M = TypeVar("M", bound=Message)
SERVICE = messages.DESCRIPTOR.services_by_name["Inventory"]
DEADLINE_SECONDS = 3.0
REFUSALS = {
    grpc.StatusCode.NOT_FOUND: (404, "unknown_sku"),
    grpc.StatusCode.FAILED_PRECONDITION: (409, "out_of_stock"),
    grpc.StatusCode.INVALID_ARGUMENT: (422, "invalid_field"),
}


class InventoryClient:
    """Typed calls over one channel; anything but a refusal becomes a 502."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    @classmethod
    @asynccontextmanager
    async def open(cls, target: str) -> AsyncIterator["InventoryClient"]:
        """A client for the service at *target* (``host:port``), which need not be there yet."""
        options = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000))
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            yield cls(channel)

    async def get_stock(self, sku: str) -> messages.Stock:
        """Stock and price of *sku*."""
        return await self._call("GetStock", messages.StockRequest(sku=sku), messages.Stock)

    async def reserve(self, sku: str, quantity: int, reference: str) -> messages.Reservation:
        """Hold *quantity* pieces for the order *reference*."""
        request = messages.ReserveRequest(sku=sku, quantity=quantity, reference=reference)
        return await self._call("Reserve", request, messages.Reservation)

    async def release(self, reservation_id: str) -> None:
        """Give held goods back."""
        request = messages.ReleaseRequest(reservation_id=reservation_id)
        await self._call("Release", request, messages.Reservation)

    async def _call(self, method: str, request: Message, answers_with: type[M]) -> M:
        name = f"{SERVICE.full_name}/{method}"
        metadata: dict[str, str] = {}
        attributes = {"rpc.system.name": "grpc", "rpc.method": name, "peer.service": "inventory"}
        call = self._channel.unary_unary(
            f"/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answers_with.FromString,
        )
        with telemetry.client_span(name, metadata, attributes) as span:
            try:
                answer: M | None = await call(request, metadata=tuple(metadata.items()), timeout=DEADLINE_SECONDS)
            except grpc.aio.AioRpcError as error:
                telemetry.failed(span, error.code().name)
                raise _as_shop_error(error) from error
            if answer is None:  # what grpc.aio makes of bytes that it cannot read
                telemetry.failed(span, "unreadable")
                raise ShopError(502, "inventory_unreadable", "inventory answered with a broken message")
            return answer


def _as_shop_error(error: grpc.aio.AioRpcError) -> ShopError:
    message = error.details() or error.code().name
    if error.code() in REFUSALS:
        status, code = REFUSALS[error.code()]
        return ShopError(status, code, message)
    return ShopError(502, "inventory_unreachable", f"inventory: {error.code().name}: {message}")
