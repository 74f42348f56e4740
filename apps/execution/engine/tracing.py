"""W3C trace context: every case is a trace, every step a span that the other side continues."""

import os


def new_trace_id() -> str:
    """32 hexadecimal digits."""
    return os.urandom(16).hex()


def new_span_id() -> str:
    """16 hexadecimal digits."""
    return os.urandom(8).hex()


def traceparent(trace_id: str, span_id: str) -> str:
    """The header that carries both, sampled."""
    return f"00-{trace_id}-{span_id}-01"
