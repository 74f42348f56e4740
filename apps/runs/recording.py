"""Storing results in batches: each exactly once, whatever is delivered twice."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.core.states import NOT_PASSED, State
from apps.runs import artifacts, failures, rollups
from apps.runs.copying import cell, copy, json_cell, json_text, text_cell
from apps.runs.models import Execution
from apps.runs.results import Result, StepRecord
from apps.runs.signals import executions_requeued
from apps.systems.models import IntegrationPoint

# Locked in the order of their ids, so that two batches that name the same executions cannot block each other. COALESCE
# and “+ 0” keep the planner at the ids, as in claims.
_HOLD = """
    SELECT e.id, e.run_id, r.system_id, r.environment_id, e.case_id, e.attempt, e.worker, e.started_at,
           e.failures < e.retries AND e.carried = '' AND r.cancel_requested_at IS NULL
    FROM runs_execution e
    JOIN unnest(%s::bigint[], %s::int[]) AS v (id, claim) ON v.id = e.id
    JOIN runs_testrun r ON r.id = e.run_id + 0
    WHERE COALESCE(e.state = 'running' AND v.claim = e.claim, false) ORDER BY e.id FOR UPDATE OF e
"""
_FINISH = """
    UPDATE runs_execution AS e SET
        state = v.state, message = v.message, finished_at = v.finished_at,
        duration_ms = COALESCE(e.duration_ms, 0) + v.duration_ms,
        trace_id = v.trace_id, failure_group_id = v.failure_group_id, lease_until = NULL,
        resume_at = v.resume_at, resume_captured = decode(v.resume_captured, 'hex'), failures = e.failures + v.again
    FROM json_to_recordset(%s::json) AS v (
        id bigint, state text, message text, finished_at timestamptz, duration_ms float8, trace_id text,
        failure_group_id bigint, resume_at int, resume_captured text, again int)
    WHERE e.id = v.id
"""
_STEP = (
    *("execution_id", "attempt", "phase", "position", "path", "name", "kind", "point_id", "state", "message"),
    *("request", "response", "checks", "captured", "timings", "started_at", "duration_ms", "tries", "note"),
)
_ATTEMPT = ("execution_id", "number", "state", "message", "worker", "started_at", "finished_at", "duration_ms")


class Held(NamedTuple):
    """An execution whose result is being stored, as it was handed out."""

    id: int
    run_id: int
    system_id: int
    environment_id: int
    case_id: int
    attempt: int
    worker: str
    started_at: datetime | None
    has_attempts: bool  # when it failed, it is tried again


Pairs = Sequence[tuple[Held, Result]]


def record(results: Sequence[Result]) -> int:
    """Store *results*; those whose claim is no longer the newest are dropped. Returns how many were stored.

    Each run in a transaction of its own: who has counted for one run must not wait for who counts for another.
    """
    by_run: dict[int, dict[int, Result]] = defaultdict(dict)
    for result in results:
        by_run[result.run_id][result.execution_id] = result
    return sum(_record(by_id) for by_id in by_run.values())


@transaction.atomic
def _record(by_id: Mapping[int, Result]) -> int:
    held = _hold(by_id)
    if held:
        _record_run([(execution, _judged(execution, by_id[execution.id])) for execution in held])
    return len(held)


def _judged(held: Held, result: Result) -> Result:
    """A failure is final only when no attempt is left."""
    return replace(result, again=True) if held.has_attempts and result.state == State.FAILED else result


def _hold(results: Mapping[int, Result]) -> list[Held]:
    """Those of *results* that still wait for them, locked."""
    claims = [result.claim for result in results.values()]
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [list(results), claims])
        return [Held(*row) for row in cursor.fetchall()]


def _record_run(pairs: Pairs) -> None:
    run_id, system_id, environment_id = pairs[0][0].run_id, pairs[0][0].system_id, pairs[0][0].environment_id
    results = [result for _, result in pairs]
    points = _points(system_id, results)
    _finish(results, failures.group(system_id, [result for result in results if result.is_final], points))
    _store_steps(pairs, points)
    _store_attempts([(held, result) for held, result in pairs if result.again])
    _store_rollups(environment_id, pairs, points)
    counts = Counter(result.leaves for result in results)
    failed = [result.execution_id for result in results if result.leaves in NOT_PASSED]
    left = {held.id: result.leaves for held, result in pairs}
    run = rollups.apply_to_run(run_id, rollups.RunDelta(counts), left, failed)
    open_still = {pk: state for pk, state in left.items() if state in (State.QUEUED, State.WAITING)}
    if open_still and run.cancel_requested_at is not None:
        end_cancelled(run_id, open_still)
    elif again := [result.execution_id for result in results if result.again]:
        transaction.on_commit(partial(executions_requeued.send_robust, sender=Execution, execution_ids=again))


def end_cancelled(run_id: int, states: Mapping[int, str]) -> None:
    """End executions (id → queued or waiting) of a run that is being cancelled; they and then the run are locked.

    Also of those that came back while it was being cancelled: who cancels sees only what is queued or waits by then.
    """
    Execution.objects.filter(pk__in=states).update(
        state=State.CANCELLED, finished_at=Now(), resume_captured=None, claim=F("claim") + 1
    )
    waiting = sum(state == State.WAITING for state in states.values())
    delta = rollups.RunDelta({State.CANCELLED: len(states), State.WAITING: -waiting})
    rollups.apply_to_run(run_id, delta, dict.fromkeys(states, State.CANCELLED))


def _points(system_id: int, results: Iterable[Result]) -> dict[str, int]:
    slugs = {step.point for result in results for step in result.steps if step.point}
    if not slugs:
        return {}
    found = IntegrationPoint.objects.filter(system_id=system_id, slug__in=slugs)
    return dict(found.values_list("slug", "pk"))


def _finish(results: Sequence[Result], groups: Mapping[int, int]) -> None:
    rows = [
        {
            "id": result.execution_id,
            "state": result.leaves,
            "message": result.message,
            "finished_at": result.finished_at if result.is_final else None,
            "duration_ms": result.duration_ms,
            "trace_id": result.trace_id,
            "failure_group_id": groups.get(result.execution_id),
            "resume_at": 0 if result.is_final else result.resume_at,
            "resume_captured": result.resume_captured.hex() if result.resume_captured and not result.is_final else None,
            "again": int(result.again),
        }
        for result in results
    ]
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, [json_text(rows)])


def _store_steps(pairs: Pairs, points: Mapping[str, int]) -> None:
    copy(
        "runs_stepresult",
        _STEP,
        (_step_row(held, step, points) for held, result in pairs for step in result.steps),
    )
    artifacts.keep(
        (held.id, held.attempt, step, file) for held, result in pairs for step in result.steps for file in step.files
    )


def _step_row(held: Held, step: StepRecord, points: Mapping[str, int]) -> tuple[str, ...]:
    return (
        str(held.id),
        str(held.attempt),
        step.phase,
        str(step.position),
        step.path,
        text_cell(step.name[:200]),
        text_cell(step.kind),
        cell(points.get(step.point)),
        step.state,
        text_cell(step.message),
        json_cell(step.request),
        json_cell(step.response),
        json_cell(step.checks),
        json_cell(step.captured),
        json_cell(step.timings),
        cell(step.started_at),
        cell(step.duration_ms),
        str(step.tries),
        "",
    )


def _store_attempts(pairs: Pairs) -> None:
    """Those that are followed by another; the last one is told by the execution."""
    copy(
        "runs_attempt",
        _ATTEMPT,
        (
            (
                str(held.id),
                str(held.attempt),
                result.state,
                text_cell(result.message),
                text_cell(held.worker),
                cell(held.started_at),
                cell(result.finished_at),
                cell(result.duration_ms),
            )
            for held, result in pairs
        ),
    )


def _store_rollups(environment_id: int, pairs: Pairs, points: Mapping[str, int]) -> None:
    final = [(held, result) for held, result in pairs if result.is_final]
    rollups.record_cases(
        rollups.Seen(
            held.case_id,
            environment_id,
            result.state,
            result.finished_at,
            held.run_id,
            held.id,
            result.duration_ms,
        )
        for held, result in final
        if result.state != State.CANCELLED
    )
    by_day: dict[Any, list[str]] = defaultdict(list)
    for _, result in final:
        by_day[result.finished_at.date()].append(result.state)
    for day, states in sorted(by_day.items()):
        rollups.count_day(environment_id, day, states)
    if points:
        _store_points(environment_id, pairs, points)


def _store_points(environment_id: int, pairs: Pairs, points: Mapping[str, int]) -> None:
    seen: dict[int, list[rollups.Seen]] = defaultdict(list)
    latencies: dict[Any, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for held, result in pairs:
        worst: dict[int, str] = {}
        for step in result.steps:
            point = points.get(step.point)
            if point is None or step.state not in rollups.POINT_STATES:
                continue
            may_fail = step.optional and step.state in NOT_PASSED  # a seam does not fail where every case passes
            if worst.get(point) not in NOT_PASSED and not may_fail:
                worst[point] = step.state
            if step.latency_ms is not None:
                latencies[result.finished_at.date()][point].append(step.latency_ms)
        seen[held.case_id] += [
            rollups.Seen(point, environment_id, state, result.finished_at, held.run_id, held.id)
            for point, state in worst.items()
            if not result.again  # the last attempt says how the seam is; the first one's latency counts all the same
        ]
    rollups.record_points(environment_id, seen)
    for day, values in sorted(latencies.items()):
        rollups.add_latencies(environment_id, day, values)
