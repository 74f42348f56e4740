"""Storing results in batches: each exactly once, whatever is delivered twice."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.files.base import ContentFile
from django.db import connection, transaction
from psycopg2.extras import execute_values

from apps.core.states import NOT_PASSED, State
from apps.runs import failures, rollups
from apps.runs.models import Artifact, Attempt, Execution, StepResult
from apps.runs.results import Result, StepRecord
from apps.systems.models import IntegrationPoint

_FINISH = """
    UPDATE runs_execution AS e SET
        state = v.state, message = v.message, finished_at = v.finished_at::timestamptz,
        duration_ms = COALESCE(e.duration_ms, 0) + v.duration_ms::float8,
        trace_id = v.trace_id, failure_group_id = v.failure_group_id::bigint, lease_until = NULL,
        resume_at = v.resume_at, resume_captured = v.resume_captured::bytea
    FROM (VALUES %s) AS v (id, state, message, finished_at, duration_ms, trace_id, failure_group_id, resume_at,
                           resume_captured)
    WHERE e.id = v.id
"""


@transaction.atomic
def record(results: Sequence[Result]) -> int:
    """Store *results*; those whose claim is no longer the newest are dropped. Returns how many were stored."""
    by_id = {result.execution_id: result for result in results}
    held = [
        execution
        for execution in Execution.objects.filter(pk__in=by_id, state=State.RUNNING)
        .select_related("run")
        .select_for_update(of=("self",))
        .order_by("pk")
        if execution.claim == by_id[execution.pk].claim
    ]
    by_run: dict[int, list[Execution]] = defaultdict(list)
    for execution in held:
        by_run[execution.run_id].append(execution)
    for _, executions in sorted(by_run.items()):
        _record_run(executions, [by_id[execution.pk] for execution in executions])
    return len(held)


def _record_run(executions: Sequence[Execution], results: Sequence[Result]) -> None:
    run = executions[0].run
    points = _points(run.system_id, results)
    groups = failures.group(run.system_id, results, points)
    pairs = list(zip(executions, results, strict=True))
    _finish(results, groups)
    _store_steps(pairs, points)
    _store_attempts(pairs)
    _store_rollups(run.environment_id, pairs, points)
    counts = Counter(result.state for result in results)
    rollups.apply_to_run(run.pk, rollups.RunDelta(counts), [execution.pk for execution in executions])


def _points(system_id: int, results: Iterable[Result]) -> dict[str, int]:
    slugs = {step.point for result in results for step in result.steps if step.point}
    found = IntegrationPoint.objects.filter(system_id=system_id, slug__in=slugs)
    return dict(found.values_list("slug", "pk"))


def _finish(results: Sequence[Result], groups: Mapping[int, int]) -> None:
    rows = [
        (
            result.execution_id,
            result.state,
            result.message,
            result.finished_at if result.is_final else None,
            result.duration_ms,
            result.trace_id,
            groups.get(result.execution_id),
            0 if result.is_final else result.resume_at,
            None if result.is_final else result.resume_captured,
        )
        for result in results
    ]
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, _FINISH, rows)


def _store_steps(pairs: Sequence[tuple[Execution, Result]], points: Mapping[str, int]) -> None:
    rows, files = [], []
    for execution, result in pairs:
        for step in result.steps:
            row = _step_row(execution, step, points)
            rows.append(row)
            files += [(row, file) for file in step.files]
    StepResult.objects.bulk_create(rows, batch_size=1000)
    for row, file in files:
        artifact = Artifact(
            execution=row.execution,
            step=row,
            name=file.name[:200],
            content_type=file.content_type,
            size=len(file.content),
        )
        artifact.file.save(file.name, ContentFile(file.content), save=False)
        artifact.save()


def _step_row(execution: Execution, step: StepRecord, points: Mapping[str, int]) -> StepResult:
    return StepResult(
        execution=execution,
        attempt=execution.attempt,
        phase=step.phase,
        position=step.position,
        name=step.name[:200],
        kind=step.kind,
        point_id=points.get(step.point),
        state=step.state,
        message=step.message,
        request=step.request,
        response=step.response,
        checks=list(step.checks),
        captured=step.captured,
        timings=step.timings,
        started_at=step.started_at,
        duration_ms=step.duration_ms,
        tries=step.tries,
    )


def _store_attempts(pairs: Sequence[tuple[Execution, Result]]) -> None:
    Attempt.objects.bulk_create(
        Attempt(
            execution=execution,
            number=execution.attempt,
            state=result.state,
            message=result.message,
            worker=execution.worker,
            started_at=execution.started_at,
            finished_at=result.finished_at,
            duration_ms=result.duration_ms,
        )
        for execution, result in pairs
        if result.is_final
    )


def _store_rollups(environment_id: int, pairs: Sequence[tuple[Execution, Result]], points: Mapping[str, int]) -> None:
    final = [(execution, result) for execution, result in pairs if result.is_final]
    rollups.record_cases(
        rollups.Seen(
            execution.case_id,
            environment_id,
            result.state,
            result.finished_at,
            execution.run_id,
            execution.pk,
            result.duration_ms,
        )
        for execution, result in final
        if result.state != State.CANCELLED
    )
    by_day: dict[Any, list[str]] = defaultdict(list)
    for _, result in final:
        by_day[result.finished_at.date()].append(result.state)
    for day, states in sorted(by_day.items()):
        rollups.count_day(environment_id, day, states)
    _store_points(environment_id, pairs, points)


def _store_points(environment_id: int, pairs: Sequence[tuple[Execution, Result]], points: Mapping[str, int]) -> None:
    seen: dict[int, list[rollups.Seen]] = defaultdict(list)
    latencies: dict[Any, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for execution, result in pairs:
        worst: dict[int, str] = {}
        for step in result.steps:
            point = points.get(step.point)
            if point is None or step.state not in rollups.POINT_STATES:
                continue
            if worst.get(point) not in NOT_PASSED:
                worst[point] = step.state
            if step.latency_ms is not None:
                latencies[result.finished_at.date()][point].append(step.latency_ms)
        seen[execution.case_id] += [
            rollups.Seen(point, environment_id, state, result.finished_at, execution.run_id, execution.pk)
            for point, state in worst.items()
        ]
    rollups.record_points(environment_id, seen)
    for day, values in sorted(latencies.items()):
        rollups.add_latencies(environment_id, day, values)
