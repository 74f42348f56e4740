"""Trace context flows with an order over HTTP, gRPC, the webhook and the stream."""

import uuid
from collections.abc import Callable

from tests.examples.http_calls import call, eventually
from tests.examples.otlp_collector import CollectedSpan, Collector
from tests.examples.shop_processes import RunningShop

CLIENT, PRODUCER, CONSUMER, SERVER = 3, 4, 5, 2
CROSSINGS = {
    ("storefront", "orders", SERVER),
    ("orders", "inventory", SERVER),
    ("orders", "payments", SERVER),
    ("payments", "orders", SERVER),  # the webhook
    ("orders", "notifier", CONSUMER),  # the stream
}


def crossings(spans: list[CollectedSpan]) -> set[tuple[str, str, int]]:
    """Where the trace goes from one service to another: from, to, and the kind of the second span."""
    by_id = {span.span_id: span for span in spans}
    pairs = ((by_id.get(span.parent_id), span) for span in spans)
    return {
        (before.service, span.service, span.kind) for before, span in pairs if before and before.service != span.service
    }


def test_one_order_is_one_trace_through_all_five_services(
    shop: RunningShop, collector: Collector, new_sku: Callable[..., str]
) -> None:
    trace_id, parent_id = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    basket = {"sku": new_sku(), "quantity": 1, "email": "traced@example.test", "card": "tok_visa"}

    call("POST", f"{shop.storefront}/checkout", basket, {"traceparent": f"00-{trace_id}-{parent_id}-01"})

    spans = eventually(lambda: collector.of_trace(trace_id), lambda got: crossings(got) >= CROSSINGS)
    assert crossings(spans) == CROSSINGS
    (first,) = [span for span in spans if span.parent_id == parent_id]
    assert (first.service, first.name, first.kind) == ("storefront", "POST /checkout", SERVER)


def test_database_and_stream_work_are_spans_of_their_own(
    shop: RunningShop, collector: Collector, new_sku: Callable[..., str]
) -> None:
    trace_id = uuid.uuid4().hex
    basket = {"sku": new_sku(), "quantity": 1, "email": "traced@example.test", "card": "tok_visa"}
    call("POST", f"{shop.orders}/orders", basket, {"traceparent": f"00-{trace_id}-{'1' * 16}-01"})
    wanted = {("INSERT orders.orders", CLIENT), ("UPDATE inventory.items", CLIENT), ("publish orders.events", PRODUCER)}

    def named() -> set[tuple[str, int]]:
        return {(span.name, span.kind) for span in collector.of_trace(trace_id)}

    assert eventually(named, lambda got: got >= wanted) >= wanted


def test_asking_for_health_leaves_no_trace(shop: RunningShop, collector: Collector) -> None:
    trace_id = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace_id}-{'1' * 16}-01"}
    call("GET", f"{shop.storefront}/health", headers=headers)
    call("GET", f"{shop.storefront}/products/mug-blue", headers=headers)

    spans = eventually(
        lambda: collector.of_trace(trace_id), lambda got: any(span.parent_id == "1" * 16 for span in got)
    )
    assert {span.name for span in spans if span.parent_id == "1" * 16} == {"GET /products/{sku}"}
