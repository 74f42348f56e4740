"""A shop for these tests: one per worker, exporting its spans to a collector inside the test process."""

import os
import uuid
from collections.abc import Callable, Iterator

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from examples.shop.inventory_client import SERVICE
from examples.shop.protocol import inventory_pb2 as messages
from tests.examples.otlp_collector import Collector
from tests.examples.shop_processes import RunningShop, shop_redis_url, start_shop

Inventory = Callable[[Message], Message]


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    with Collector() as collecting:
        yield collecting


@pytest.fixture(scope="session")
def running_shop(collector: Collector, worker_id: str) -> Iterator[RunningShop]:
    redis_url = shop_redis_url(os.environ["REDIS_URL"], worker_id)
    shop = start_shop(os.environ["DATABASE_URL"], redis_url, otlp_endpoint=collector.endpoint)
    yield shop
    shop.stop()


@pytest.fixture
def shop(running_shop: RunningShop) -> Iterator[RunningShop]:
    """The running shop, healthy before and after the test."""
    running_shop.reset()
    yield running_shop
    running_shop.reset()


@pytest.fixture
def ask_inventory(shop: RunningShop) -> Iterator[Inventory]:
    """``ask_inventory(ReserveRequest(…))`` → the answer; refusals raise grpc.RpcError."""
    by_request = {method.input_type.name: method for method in SERVICE.methods}
    with grpc.insecure_channel(shop.inventory) as channel:

        def ask(request: Message) -> Message:
            method = by_request[request.DESCRIPTOR.name]
            call = channel.unary_unary(
                f"/{SERVICE.full_name}/{method.name}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=GetMessageClass(method.output_type).FromString,
            )
            return call(request, timeout=5)

        yield ask


@pytest.fixture
def new_sku(ask_inventory: Inventory) -> Callable[..., str]:
    """``new_sku(quantity=1)`` → a sku of its own with that stock, at 700 cents."""

    def make(quantity: int = 10, unit_price: int = 700) -> str:
        sku = f"test-{uuid.uuid4().hex[:12]}"
        ask_inventory(messages.RestockRequest(sku=sku, name="Test", unit_price=unit_price, quantity=quantity))
        return sku

    return make
