"""Runs with queued executions, and results as an engine would hand them over."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.runs import services
from apps.runs.models import Execution, TestRun
from apps.runs.results import Result, StepRecord


@pytest.fixture
def make_run(environment: Environment, make_case: Callable[..., TestCase], tester: User) -> Callable[..., TestRun]:
    """``make_run(count)`` → a queued run of *count* executions, of new cases if none are given."""

    def make(count: int = 3, cases: Sequence[TestCase] = ()) -> TestRun:
        cases = cases or [make_case(title=f"Case {number}") for number in range(count)]
        return services.create_run(
            environment=environment,
            title="A run",
            planned=[services.Planned(case=case) for case in cases],
            started_by=tester,
            trigger=TestRun.Trigger.PERSON,
            seed=1,
        )

    return make


@pytest.fixture
def take() -> Callable[[TestRun], list[Execution]]:
    """Claim all queued executions of a run for a worker called ``w``."""

    def claim(run: TestRun) -> list[Execution]:
        ids = list(run.executions.filter(state="queued").values_list("pk", flat=True))
        taken = services.claim(ids, "w", timedelta(seconds=60))
        return list(Execution.objects.filter(pk__in=[one.id for one in taken]).order_by("position"))

    return claim


def result(execution: Execution, state: str = "passed", **fields: Any) -> Result:
    """What the engine says of *execution* after one HTTP step over the seam."""
    now = datetime.now(tz=UTC)
    step = StepRecord(
        position=0,
        name="Create an order",
        kind="http",
        point="storefront-orders-create",
        state="passed" if state in {"passed", "waiting"} else state,
        message="" if state in {"passed", "waiting"} else fields.pop("step_message", "status is 500, expected 201"),
        duration_ms=12.5,
        latency_ms=12.5,
    )
    values: dict[str, Any] = {
        "execution_id": execution.pk,
        "run_id": execution.run_id,
        "claim": execution.claim,
        "state": state,
        "steps": [step],
        "message": step.message,
        "started_at": now,
        "finished_at": now,
        "duration_ms": 12.5,
    }
    return Result(**(values | fields))
