"""What ``orders`` tells the others, through the Redis stream ``orders.events``.

An entry has the flat fields ``event``, ``order_id``, ``sku``, ``quantity``, ``total``, ``currency``,
``email`` and the trace context.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.trace import SpanKind

from examples.shop import telemetry
from examples.shop.control import FaultKind
from examples.shop.errors import ShopError
from examples.shop.process import Service

STREAM = "orders.events"
KEPT_EVENTS = 10_000
TOLD = ("sku", "quantity", "total", "currency", "email")


async def publish(service: Service, event: str, order: Mapping[str, Any]) -> None:
    """Append *event* about *order* to the stream."""
    fault = (await service.control.read()).faults.get("publish-event")
    kind = fault.kind if fault else None
    if fault is not None and kind is FaultKind.DELAY:
        await asyncio.sleep(fault.seconds)
    if kind is FaultKind.ERROR:
        raise ShopError(500, "event_not_published", "a fault is switched on")
    if kind is FaultKind.LOST:
        service.log.warning("event lost", order=order["id"], kind=event)
        return
    fields: dict[str, str] = {"event": event, "order_id": str(order["id"]), **{name: str(order[name]) for name in TOLD}}
    if kind is FaultKind.MALFORMED:
        fields = {"event": event, "order_id": str(order["id"])[:8]}
    attributes = {"messaging.system": "redis", "messaging.destination.name": STREAM, "shop.event": event}
    with telemetry.client_span(f"publish {STREAM}", fields, attributes, SpanKind.PRODUCER):
        await service.redis.xadd(STREAM, cast("dict[Any, Any]", fields), maxlen=KEPT_EVENTS, approximate=True)
