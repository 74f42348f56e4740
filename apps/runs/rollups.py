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
from django.db.models.functions import Now

from apps.core import live
from apps.core.states import LETTERS, State
from apps.runs import histogram, news
from apps.runs.copying import json_text, many
from apps.runs.models import TestRun
from apps.runs.signals import executions_failed, run_finished

WORSE = ("skipped", "passed", "blocked", "failed")  # the later, the worse; others leave no record
COUNTED = ("passed", "failed", "blocked", "skipped", "cancelled", "waiting")
_OF_A_RUN = ("id", "system_id", "number", "phase", "verdict", "total", "cancel_requested_at")
PROGRESS_COLUMNS = ", ".join((*_OF_A_RUN, *COUNTED))

# Several results of one run count as one, the worst: a later data row that passes does not hide one that failed.
_ORDER = "array_position(ARRAY['skipped', 'passed', 'blocked', 'failed'], {row}.state::text)"
_KEEP = (
    "{table}.last_run_id = EXCLUDED.last_run_id AND "
    + _ORDER.replace("{row}", "{table}")
    + " > "
    + _ORDER.replace("{row}", "EXCLUDED")
)
_RECORD = """
    INSERT INTO {table} ({owner}, environment_id, state, strip, last_at, last_run_id, last_execution_id{extra})
    SELECT owner, environment, state, strip, last_at, run, execution{extra} FROM json_to_recordset(%s::json) AS v (
        owner bigint, environment bigint, state text, strip text, last_at timestamptz, run bigint, execution bigint,
        duration_ms float8)
    ON CONFLICT ({owner}, environment_id) DO UPDATE SET
        state = CASE WHEN {keep} THEN {table}.state ELSE EXCLUDED.state END,
        last_execution_id = CASE WHEN {keep} THEN {table}.last_execution_id ELSE EXCLUDED.last_execution_id END,
        last_at = EXCLUDED.last_at, last_run_id = EXCLUDED.last_run_id{set_extra},
        strip = right({table}.strip || EXCLUDED.strip, 20)
"""
_CASE_POINT = """
    INSERT INTO {table} (case_id, point_id, environment_id, state, last_at, last_run_id) VALUES %s
    ON CONFLICT (point_id, environment_id, case_id) DO UPDATE SET
        state = CASE WHEN {keep} THEN {table}.state ELSE EXCLUDED.state END,
        last_at = EXCLUDED.last_at, last_run_id = EXCLUDED.last_run_id
"""
# A case counts as long as it is active and its present revision still goes over the seam.
_WORST = """
    UPDATE runs_pointrecord AS p SET state = CASE WHEN EXISTS (
        SELECT FROM runs_casepointrecord r
        JOIN catalog_testcase c ON c.id = r.case_id AND c.status = 'active'
        JOIN catalog_testcase_points g ON g.testcase_id = r.case_id AND g.integrationpoint_id = r.point_id
        WHERE r.point_id = p.point_id AND r.environment_id = p.environment_id AND r.state = 'failed'
    ) THEN 'failed' ELSE 'passed' END
    WHERE p.environment_id = %s AND p.point_id = ANY(%s)
"""
_DAY = """
    INSERT INTO runs_daycount (environment_id, day, passed, failed, blocked, skipped) VALUES %s
    ON CONFLICT (environment_id, day) DO UPDATE SET
        passed = runs_daycount.passed + EXCLUDED.passed, failed = runs_daycount.failed + EXCLUDED.failed,
        blocked = runs_daycount.blocked + EXCLUDED.blocked, skipped = runs_daycount.skipped + EXCLUDED.skipped
"""
# The row stays locked until the commit, so that who counts the last result ends the run.
_COUNT = (
    "UPDATE runs_testrun SET "  # noqa: S608 - our own names
    + ", ".join(f"{name} = {name} + %s" for name in COUNTED)
    + " WHERE id = %s RETURNING "
    + PROGRESS_COLUMNS
)
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


def apply_to_run(run_id: int, delta: RunDelta, changed: Mapping[int, str], failed: Sequence[int] = ()) -> TestRun:
    """Add *delta* to the run's counts, end the run when nothing is open, and tell its open pages on commit.

    Gives the run as it is now: it stays locked until the commit.

    *changed* are executions with the states that they have now, *failed* those of them that failed or were blocked: the
    news that goes upwards.
    """
    (run,) = TestRun.objects.raw(_COUNT, [*(delta.counts.get(name, 0) for name in COUNTED), run_id])
    ended = run.done >= run.total and run.is_open
    if ended:
        run.verdict = run.judge()
        run.phase = TestRun.Phase.CANCELLED if run.cancel_requested_at else TestRun.Phase.FINISHED
        run.finished_at = Now()  # by the database's clock, as its start
        run.save(update_fields=["verdict", "phase", "finished_at"])
    transaction.on_commit(partial(_tell, run, changed, list(failed), ended))
    return run


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


def tell_progress(run: TestRun) -> None:
    """Tell open pages of the run and of its system how it is going. Call after the commit."""
    live.publish_all(_progress(run))


def _progress(run: TestRun) -> list[live.Event]:
    progress = progress_of(run)
    return [(run.topic, "progress", progress), (f"system:{run.system_id}", "runs", progress)]


def _tell(run: TestRun, changed: Mapping[int, str], failed: list[int], ended: bool) -> None:
    events = _progress(run)
    if changed:
        events.insert(0, (run.topic, "executions", news.of_changes(changed)))
    if ended:
        events.append((run.topic, "finished", progress_of(run)))
    live.publish_all(events)
    if failed:
        executions_failed.send_robust(sender=TestRun, run_id=run.pk, execution_ids=failed)
    if ended:
        run_finished.send_robust(sender=TestRun, run_id=run.pk)


def _write(sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        many(sql, rows)


@dataclass(frozen=True, slots=True)
class Seen:
    """One result of a case or of a point: for its record."""

    owner_id: int
    environment_id: int
    state: str
    at: datetime
    run_id: int
    execution_id: int
    duration_ms: float | None = None


def _worst(ones: Sequence[Seen]) -> Seen:
    """The worst of the newest run's results; of equals the last."""
    run_id = ones[-1].run_id
    return max((one for one in ones if one.run_id == run_id), key=lambda one: (WORSE.index(one.state), one.at))


def _records(seen: Iterable[Seen]) -> list[dict[str, Any]]:
    rows: dict[tuple[int, int], list[Seen]] = defaultdict(list)
    for one in seen:
        if one.state in WORSE:
            rows[one.owner_id, one.environment_id].append(one)
    records = []
    for (owner, environment), ones in sorted(rows.items()):
        worst, strip = _worst(ones), "".join(LETTERS[one.state] for one in ones)[-20:]
        records.append(
            {
                "owner": owner,
                "environment": environment,
                "state": worst.state,
                "strip": strip,
                "last_at": ones[-1].at,
                "run": worst.run_id,
                "execution": worst.execution_id,
                "duration_ms": worst.duration_ms,
            }
        )
    return records


def _write_records(sql: str, records: Sequence[Mapping[str, Any]]) -> None:
    if records:
        with connection.cursor() as cursor:
            cursor.execute(sql, [json_text(records)])


def _record_sql(table: str, owner: str, *more: str) -> str:
    extra = "".join(f", {column}" for column in more)
    set_extra = "".join(f", {column} = COALESCE(EXCLUDED.{column}, {table}.{column})" for column in more)
    keep = _KEEP.format(table=table)
    return _RECORD.format(table=table, owner=owner, extra=extra, set_extra=set_extra, keep=keep)


_CASE_RECORD = _record_sql("runs_caserecord", "case_id", "duration_ms")
_POINT_RECORD = _record_sql("runs_pointrecord", "point_id")


def record_cases(seen: Iterable[Seen]) -> None:
    """Last state, strip and duration of each case."""
    _write_records(_CASE_RECORD, _records(seen))


def record_points(environment_id: int, seen: Mapping[int, Sequence[Seen]]) -> None:
    """State and strip of each integration point; *seen*: case id → what it saw of its points, in order."""
    by_case: dict[tuple[int, int], list[Seen]] = defaultdict(list)
    for case, ones in seen.items():
        for one in ones:
            by_case[one.owner_id, case].append(one)
    rows = [
        (case, point, environment_id, worst.state, worst.at, worst.run_id)
        for (point, case), ones in sorted(by_case.items(), key=lambda item: item[0])
        for worst in [_worst(ones)]
    ]
    table = "runs_casepointrecord"
    _write(_CASE_POINT.format(table=table, keep=_KEEP.format(table=table)), rows)
    in_time = sorted((one for ones in seen.values() for one in ones), key=lambda one: one.at)
    _write_records(_POINT_RECORD, _records(in_time))
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_WORST, [environment_id, sorted({point for point, _ in by_case})])


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
