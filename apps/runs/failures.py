"""Grouping failures by reason: the same kind of step, at the same seam, saying the same thing."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.core.states import NOT_PASSED
from apps.runs.copying import many
from apps.runs.results import Result, StepRecord

# What differs from one occurrence to the next and says nothing of the reason.
_VARIABLE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{12,}\b", re.I), "<hex>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.]*(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "<n>"),
)
_UPSERT = """
    INSERT INTO runs_failuregroup (system_id, signature, title, kind, point_id, first_seen, last_seen, count) VALUES %s
    ON CONFLICT (system_id, signature) DO UPDATE SET
        title = CASE WHEN runs_failuregroup.last_seen <= EXCLUDED.last_seen
                     THEN EXCLUDED.title ELSE runs_failuregroup.title END,
        last_seen = greatest(runs_failuregroup.last_seen, EXCLUDED.last_seen),
        count = runs_failuregroup.count + EXCLUDED.count
    RETURNING signature, id
"""


def normalised(message: str) -> str:
    """*message* without ids, times and numbers, one line."""
    text = " ".join(message.split())
    for pattern, name in _VARIABLE:
        text = pattern.sub(name, text)
    return text[:500]


def signature(kind: str, seam: str, message: str) -> str:
    """What two executions have in common that failed for the same reason: a step of *kind* at *seam* (its point, or
    else its name) that said *message*; without such a step the first two are blank."""
    return hashlib.sha256("\0".join((kind, seam, normalised(message))).encode()).hexdigest()


def shortened(message: str) -> str:
    """*message* as the title of a reason."""
    return " ".join(message.split())[:300]


def _signature_of(step: StepRecord | None, result: Result) -> str:
    if step is None:
        return signature("", "", result.message)
    return signature(step.kind, step.point or step.name, step.message)


def group(system_id: int, results: Sequence[Result], points: Mapping[str, int]) -> dict[int, int]:
    """FailureGroup id of each failed or blocked execution: execution id → group id."""
    signed: dict[int, str] = {}
    first: dict[str, tuple[StepRecord | None, Result]] = {}
    for result in results:
        if result.state in NOT_PASSED:
            step = result.failed_step()
            sign = _signature_of(step, result)
            signed[result.execution_id] = sign
            first.setdefault(sign, (step, result))
    if not signed:
        return {}
    counts = Counter(signed.values())
    rows = [_row(system_id, sign, *first[sign], points, counts[sign]) for sign in sorted(first)]
    ids = dict(many(_UPSERT, rows, fetch=True))
    return {execution_id: ids[sign] for execution_id, sign in signed.items()}


def _row(
    system_id: int,
    sign: str,
    step: StepRecord | None,
    result: Result,
    points: Mapping[str, int],
    count: int,
) -> tuple[Any, ...]:
    at: datetime = result.finished_at
    title = shortened(step.message if step and step.message else result.message) or "Failed"
    point = points.get(step.point) if step else None
    return (system_id, sign, title, step.kind if step else "", point, at, at, count)
