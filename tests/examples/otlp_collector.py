"""A tiny OTLP/HTTP collector: keeps the spans that are sent to it, for tests to look at."""

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class CollectedSpan:
    """A span with the service that sent it; ids in hex, *parent_id* empty at the root."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str


class Collector:
    """Listens on a free port of 127.0.0.1 while the context lasts."""

    def __init__(self) -> None:
        self.spans: list[CollectedSpan] = []
        collect = self._collect

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                collect(gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Requests are not worth a line."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def of_trace(self, trace_id: str) -> list[CollectedSpan]:
        """The spans of one trace that have come so far."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _collect(self, raw: bytes) -> None:
        for resource_spans in ExportTraceServiceRequest.FromString(raw).resource_spans:
            attributes = {item.key: item.value.string_value for item in resource_spans.resource.attributes}
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    self.spans.append(CollectedSpan(attributes["service.name"], span.name, span.kind, *ids))
