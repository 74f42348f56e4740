"""Counts and records, changed in the same transaction as the results that they count.

Rows are written in sorted order, so that batches of several workers cannot deadlock.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg2.extras import execute_values

from apps.core import live
from apps.core.states import FINAL, LETTERS, State
from apps.runs import histogram
from apps.runs.models import TestRun
from apps.runs.signals import executions_finished, run_finished

COUNTED = ("passed", "failed", "blocked", "skipped", "cancelled", "waiting")

_RECORD = """
    INSERT INTO {table} ({owner}, environment_id, state, strip, last_at, last_execution_id{extra}) VALUES %s
    ON CONFLICT ({owner}, environment_id) DO UPDATE SET
        state = EXCLUDED.state, last_at = EXCLUDED.last_at, last_execution_id = EXCLUDED.last_execution_id{set_extra},
        strip = right({table}.strip || EXCLUDED.strip, 20)
"""
_DAY = """
    INSERT INTO runs_daycount (environment_id, day, passed, failed, blocked, skipped) VALUES %s
    ON CONFLICT (environment_id, day) DO UPDATE SET
        passed = runs_daycount.passed + EXCLUDED.passed, failed = runs_daycount.failed + EXCLUDED.failed,
        blocked = runs_daycount.blocked + EXCLUDED.blocked, skipped = runs_daycount.skipped + EXCLUDED.skipped
"""
_LATENCY = """
    INSERT INTO runs_latencyday (point_id, environment_id, day, count, total_ms, buckets) VALUES %s
    ON CONFLICT (point_id, environment_id, day) DO UPDATE SET
        count = runs_latencyday.count + EXCLUDED.count, total_ms = runs_latencyday.total_ms + EXCLUDED.total_ms,
        buckets = (SELECT array_agg(a + b ORDER BY i)
                   FROM unnest(runs_latencyday.buckets, EXCLUDED.buckets) WITH ORDINALITY AS pair(a, b, i))
"""


@dataclass(frozen=True, slots=True)
class RunDelta:
    """By how much the counts of a run change: state → number (negative takes back)."""

    counts: Mapping[str, int]


def apply_to_run(run_id: int, delta: RunDelta, execution_ids: Sequence[int]) -> None:
    """Add *delta* to the run's counts, end the run when nothing is open, and tell its open pages on commit."""
    run = TestRun.objects.select_for_update().get(pk=run_id)
    for name in COUNTED:
        setattr(run, name, getattr(run, name) + delta.counts.get(name, 0))
    ended = run.done >= run.total and run.is_open
    if ended:
        run.verdict = run.judge()
        run.phase = TestRun.Phase.CANCELLED if run.cancel_requested_at else TestRun.Phase.FINISHED
        run.finished_at = timezone.now()
    run.save(update_fields=[*COUNTED, "verdict", "phase", "finished_at"])
    final = sum(delta.counts.get(state, 0) for state in FINAL)
    transaction.on_commit(partial(_tell, run, list(execution_ids), final > 0, ended))


def progress_of(run: TestRun) -> dict[str, Any]:
    """What an open run page needs to know of its counts."""
    counts = {name: getattr(run, name) for name in COUNTED}
    return {
        "number": run.number,
        "phase": run.phase,
        "state": run.state,
        "total": run.total,
        "done": run.done,
        **counts,
    }


def _tell(run: TestRun, execution_ids: list[int], final: bool, ended: bool) -> None:
    if execution_ids:
        live.publish(run.topic, "executions", {"ids": execution_ids[:200]})
    progress = progress_of(run)
    live.publish(run.topic, "progress", progress)
    live.publish(f"system:{run.system_id}", "runs", progress)
    if final and execution_ids:
        executions_finished.send(sender=TestRun, run_id=run.pk, execution_ids=execution_ids)
    if ended:
        live.publish(run.topic, "finished", progress)
        run_finished.send(sender=TestRun, run_id=run.pk)


def _write(sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            execute_values(cursor.cursor, sql, rows)


@dataclass(frozen=True, slots=True)
class Seen:
    """One result of a case or of a point: for its record."""

    owner_id: int
    environment_id: int
    state: str
    at: datetime
    execution_id: int
    duration_ms: float | None = None


def _records(seen: Iterable[Seen]) -> list[tuple[Any, ...]]:
    rows: dict[tuple[int, int], list[Seen]] = defaultdict(list)
    for one in seen:
        if one.state in LETTERS:
            rows[one.owner_id, one.environment_id].append(one)
    return [
        (owner, environment, last.state, strip[-20:], last.at, last.execution_id, last.duration_ms)
        for (owner, environment), group in sorted(rows.items())
        for last, strip in [(group[-1], "".join(LETTERS[one.state] for one in group))]
    ]


def record_cases(seen: Iterable[Seen]) -> None:
    """Last state, strip and duration of each case."""
    sql = _RECORD.format(
        table="runs_caserecord",
        owner="case_id",
        extra=", duration_ms",
        set_extra=", duration_ms = EXCLUDED.duration_ms",
    )
    _write(sql, _records(seen))


def record_points(seen: Iterable[Seen]) -> None:
    """Last state and strip of each integration point."""
    sql = _RECORD.format(table="runs_pointrecord", owner="point_id", extra="", set_extra="")
    _write(sql, [row[:-1] for row in _records(seen)])


def count_day(environment_id: int, day: date, states: Iterable[str]) -> None:
    """Add final *states* to the day's counts."""
    counts = dict.fromkeys(("passed", "failed", "blocked", "skipped"), 0)
    for state in states:
        if state in counts:
            counts[state] += 1
    if any(counts.values()):
        _write(_DAY, [(environment_id, day, *counts.values())])


def add_latencies(environment_id: int, day: date, latencies: Mapping[int, Sequence[float]]) -> None:
    """Merge latencies (ms) of points (id → values) into the day's histograms."""
    rows = [
        (point_id, environment_id, day, len(values), sum(values), histogram.of(values))
        for point_id, values in sorted(latencies.items())
        if values
    ]
    _write(_LATENCY, rows)


POINT_STATES = (State.PASSED, State.FAILED)  # a blocked or skipped step says nothing of its seam
