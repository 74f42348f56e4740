"""Runs that have happened: planned, claimed and recorded as the engine does it, with outcomes of our choice."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import TestCase as DjangoTestCase

from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.runs import services
from apps.runs.models import Execution, TestRun
from apps.runs.results import Result, StepRecord

POINT = "storefront-orders-create"
on_commit = DjangoTestCase.captureOnCommitCallbacks


def planned(environment: Environment, cases: Iterable[TestCase], rows: Sequence[dict[str, Any]] = ({},)) -> TestRun:
    """A queued run of *cases*, each with each of *rows*."""
    return services.create_run(
        environment=environment,
        title="A run",
        planned=[services.Planned(case=case, row=row) for case in cases for row in rows],
        started_by=None,
        trigger=TestRun.Trigger.PERSON,
        seed=1,
    )


def finish(run: TestRun, *states: str, only: int | None = None, **step: Any) -> TestRun:
    """Record *states* for the run's executions in order (the last one for the rest), and tell on commit."""
    ids = list(run.executions.filter(state="queued").order_by("position").values_list("pk", flat=True))[:only]
    services.claim(ids, "w", timedelta(seconds=60))
    executions = list(Execution.objects.filter(pk__in=ids).order_by("position"))
    given = [*states, *[states[-1]] * len(executions)]
    with on_commit(execute=True):
        services.record([outcome(one, state, **step) for one, state in zip(executions, given, strict=False)])
    run.refresh_from_db()
    return run


def played(environment: Environment, cases: Iterable[TestCase], *states: str, **step: Any) -> TestRun:
    """A run of *cases* that has ended."""
    return finish(planned(environment, cases), *states, **step)


def outcome(execution: Execution, state: str, **step: Any) -> Result:
    """One HTTP step over the seam that went as *state* says."""
    now = datetime.now(tz=UTC)
    record = StepRecord(
        **{
            "position": 0,
            "name": "Place the order",
            "kind": "http",
            "point": POINT,
            "state": state,
            "message": "" if state == "passed" else "status equals 201: it is 500",
            "checks": [] if state == "passed" else [CHECK],
            "duration_ms": 12.5,
            "latency_ms": 12.5,
            **step,
        }
    )
    return Result(
        execution_id=execution.pk,
        run_id=execution.run_id,
        claim=execution.claim,
        state=state,
        steps=[record],
        message=record.message,
        started_at=now,
        finished_at=now,
        duration_ms=12.5,
    )


CHECK = {
    "label": "status equals 201",
    "passed": False,
    "expected": 201,
    "actual": 500,
    "diff": "",
    "message": "it is 500",
    "implied": False,
}
MakeCase = Callable[..., TestCase]
