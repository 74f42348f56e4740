"""W3C trace context: every case is a trace, every step a span that the other side continues."""

import os
from random import Random

# Ids need not be secret, and asking the kernel for each costs more than all the rest of a span.
_ids = Random()  # noqa: S311
os.register_at_fork(after_in_child=_ids.seed)


def new_trace_id() -> str:
    """32 hexadecimal digits."""
    return f"{_ids.getrandbits(128):032x}"


def new_span_id() -> str:
    """16 hexadecimal digits."""
    return f"{_ids.getrandbits(64):016x}"


def traceparent(trace_id: str, span_id: str) -> str:
    """The header that carries both, sampled."""
    return f"00-{trace_id}-{span_id}-01"
