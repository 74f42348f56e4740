"""What the engine needs for each execution, read in a few queries for a whole chunk."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.catalog.definition import Case
from apps.core.states import State
from apps.environments.services import decrypt, values_for
from apps.execution.engine.model import CaseRequest
from apps.execution.worker import allowed_kinds
from apps.runs.models import Execution, TestRun

TEARDOWN = 30.0  # seconds that teardown may take beyond the case's limit


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all executions of one run share."""

    run_id: int
    environment: str
    parallel: int
    variables: Mapping[str, Any]
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the result must name to be stored, and what a person decided before."""

    execution_id: int
    number: int
    carried: str
    message: str


def context_of(run_id: int) -> RunContext:
    """Environment and its values of a run."""
    run = TestRun.objects.select_related("environment").get(pk=run_id)
    variables, secrets = values_for(run.environment)
    parallel = max(1, run.environment.max_parallel)
    return RunContext(run_id, run.environment.slug, parallel, variables, secrets)


def limits(ids: Sequence[int]) -> dict[int, float]:
    """Seconds that each execution may take, teardown included."""
    found = Execution.objects.filter(pk__in=ids).values_list("pk", "revision__definition")
    return {pk: Case.of(definition).timeout + TEARDOWN for pk, definition in found}


def build(context: RunContext, claimed: Sequence[int]) -> list[tuple[Claim, CaseRequest]]:
    """Requests of executions that were just claimed, in their order."""
    executions = Execution.objects.filter(pk__in=claimed, state=State.RUNNING).select_related("revision")
    return [_request(context, execution) for execution in executions.order_by("position")]


def _request(context: RunContext, execution: Execution) -> tuple[Claim, CaseRequest]:
    definition = execution.revision.definition
    captured = json.loads(decrypt(bytes(execution.resume_captured))) if execution.resume_captured else {}
    request = CaseRequest(
        definition=definition,
        execution_id=str(execution.pk),
        run_id=str(context.run_id),
        environment=context.environment,
        attempt=execution.attempt,
        variables=context.variables,
        secrets=context.secrets,
        row=execution.row,
        seed=execution.seed,
        deadline=time.time() + Case.of(definition).timeout + TEARDOWN,
        allowed=allowed_kinds(),
        start_at=execution.resume_at,
        captured=captured,
        trace_id=execution.trace_id if execution.resume_at else "",
    )
    return Claim(execution.pk, execution.claim, execution.carried, execution.message), request
