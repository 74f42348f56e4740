"""Runs with the results that pages are read for: several reasons, evidence of a failed step, a person's step."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.runs import services
from apps.runs.models import Execution, TestRun
from apps.runs.results import Result, StepRecord

URL = "http://orders.test/orders"


def planned_run(environment: Environment, cases: Sequence[TestCase], **fields: Any) -> TestRun:
    """A queued run with one execution of each of *cases*."""
    values = {"title": "A run", "started_by": None, "trigger": "person", "seed": 1} | fields
    return services.create_run(
        environment=environment, planned=[services.Planned(case=case) for case in cases], **values
    )


def taken(run: TestRun) -> list[Execution]:
    """The queued executions of *run*, claimed for a worker."""
    ids = list(run.executions.filter(state="queued").order_by("position").values_list("pk", flat=True))
    services.claim(ids, "w", timedelta(seconds=60))
    return list(Execution.objects.filter(pk__in=ids).order_by("position"))


def cancel(run: TestRun) -> int:
    """Cancel *run* as who cancels does; returns how many of its executions that ended."""
    TestRun.objects.filter(pk=run.pk).update(cancel_requested_at=Now())
    return services.end_waiting(run.pk)


def step(position: int = 0, state: str = "passed", **fields: Any) -> StepRecord:
    """An HTTP step over the seam; failed ones say ``status is 500, expected 201``."""
    failed = state == "failed"
    values: dict[str, Any] = {
        "name": f"Step {position + 1}",
        "kind": "http",
        "point": "storefront-orders-create",
        "message": "status is 500, expected 201" if failed else "",
        "request": {"method": "POST", "url": URL, "headers": {"X-Key": "***"}, "body": '{"sku": "MUG"}'},
        "response": {
            "status": 500 if failed else 201,
            "reason": "Internal Server Error" if failed else "Created",
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"id": f"order-{position}", "ok": not failed}),
        },
        "checks": [
            {
                "label": "status equals 201",
                "passed": not failed,
                "expected": 201,
                "actual": 500 if failed else 201,
                "diff": "",
                "message": "status is 500, expected 201" if failed else "",
                "implied": False,
            }
        ],
        "timings": {"dns": 1.0, "connect": 2.0, "tls": 0.0, "first_byte": 7.0, "transfer": 2.0, "total": 12.0},
        "duration_ms": 12.0,
    }
    return StepRecord(position=position, state=state, **(values | fields))


def ended(execution: Execution, *steps: StepRecord, **fields: Any) -> Result:
    """How *execution* ended; the state is that of the worst step."""
    states = [one.state for one in steps]
    state = next((bad for bad in ("failed", "blocked", "waiting") if bad in states), "passed")
    now = datetime.now(tz=UTC)
    values: dict[str, Any] = {
        "state": state,
        "message": next((one.message for one in steps if one.message), ""),
        "started_at": now,
        "finished_at": now,
        "duration_ms": 12.0,
    }
    named = {"execution_id": execution.pk, "run_id": execution.run_id, "claim": execution.claim}
    return Result(steps=list(steps), **(named | values | fields))


def finished_run(environment: Environment, cases: Sequence[TestCase], reasons: Sequence[str], **fields: Any) -> TestRun:
    """A finished run; *reasons* has one message for each case, "" for passed."""
    run = planned_run(environment, cases, **fields)
    results = [
        ended(execution, step(0, "failed", message=reason) if reason else step())
        for execution, reason in zip(taken(run), reasons, strict=True)
    ]
    services.record(results)
    run.refresh_from_db()
    return run


MANUAL: dict[str, Any] = {
    "title": "The mail looks right",
    "steps": [
        {"name": "Place an order", "kind": "http", "with": {"url": "{{ SHOP }}/orders"}},
        {"name": "Look at the mail", "kind": "manual", "with": {"instructions": "Look.", "expected": "It is there."}},
        {"name": "Look at the page", "kind": "manual", "with": {"instructions": "Look again."}},
    ],
}


def waiting_at(execution: Execution, position: int = 1) -> Result:
    """The execution reached the manual step at index *position*."""
    before = [step(index) for index in range(position)] if position == 1 else []
    asked = {"instructions": f"Look at **thing {position}**.", "expected": "It is *there*."}
    manual = StepRecord(
        position=position,
        name=MANUAL["steps"][position]["name"],
        kind="manual",
        state="waiting",
        request=asked,
        started_at=datetime.now(UTC),
    )
    return ended(execution, *before, manual, resume_at=position, resume_captured=b"encrypted")


def waiting_execution(environment: Environment, make_case: Callable[..., TestCase]) -> Execution:
    """An execution that waits for a person at its second step."""
    run = planned_run(environment, [make_case("The mail looks right", MANUAL)])
    [execution] = taken(run)
    services.record([waiting_at(execution)])
    execution.refresh_from_db()
    return execution


def runner(execution: Execution) -> str:
    """Address of the page where a person works on *execution*."""
    return f"/s/shop/executions/{execution.pk}/manual/"
