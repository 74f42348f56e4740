"""OpenTelemetry: spans of this process, exported by OTLP/HTTP only when an endpoint is configured.

Trace context travels as W3C ``traceparent`` in HTTP headers, gRPC metadata and stream fields.
"""

import os
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

EXPORT_EVERY_MS = 500
STOP_WITHIN_SECONDS = 0.6
Attributes = Mapping[str, str | int | float | bool]

_provider: TracerProvider | None = None


def start(service: str) -> None:
    """Set up tracing of this process as *service*."""
    global _provider
    resource = Resource.create({"service.name": service, "service.namespace": "shop"})
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(timeout=2)
        _provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS))
    trace.set_tracer_provider(_provider)


def stop() -> None:
    """Send what is left, but never wait long for a collector that does not answer."""
    if _provider is not None:
        flushing = threading.Thread(target=_provider.shutdown, daemon=True)
        flushing.start()
        flushing.join(STOP_WITHIN_SECONDS)


@contextmanager
def server_span(name: str, carrier: Mapping[str, str], attributes: Attributes) -> Iterator[Span]:
    """The span of an operation that somebody asked for; its parent is in *carrier*."""
    with _span(name, SpanKind.SERVER, attributes, carrier) as span:
        yield span


@contextmanager
def consumer_span(name: str, carrier: Mapping[str, str], attributes: Attributes) -> Iterator[Span]:
    """The span of a message taken from a stream; its parent is in the message's fields."""
    with _span(name, SpanKind.CONSUMER, attributes, carrier) as span:
        yield span


@contextmanager
def client_span(
    name: str, carrier: MutableMapping[str, str], attributes: Attributes, kind: SpanKind = SpanKind.CLIENT
) -> Iterator[Span]:
    """The span of a call to somebody else; the context to send along is put into *carrier*."""
    with _span(name, kind, attributes) as span:
        inject(carrier)
        yield span


def failed(span: Span, reason: str) -> None:
    """Mark *span* as failed."""
    span.set_status(Status(StatusCode.ERROR, reason))


@contextmanager
def _span(
    name: str, kind: SpanKind, attributes: Attributes, carrier: Mapping[str, str] | None = None
) -> Iterator[Span]:
    parent = extract(carrier) if carrier is not None else None
    tracer = trace.get_tracer("examples.shop")
    with tracer.start_as_current_span(name, context=parent, kind=kind, attributes=dict(attributes)) as span:
        yield span
