"""From the engine's outcome to the record's result."""

import json
from datetime import datetime, timedelta

from apps.core.states import State
from apps.environments.services import encrypt
from apps.execution.engine.model import CaseOutcome, CaseRequest, StepOutcome
from apps.execution.requests import Claim
from apps.runs.results import File, Result, StepRecord


def to_result(claim: Claim, request: CaseRequest, outcome: CaseOutcome) -> Result:
    """The result to store; a person's verdict from before the hand-over outweighs what the rest did."""
    waiting = outcome.waiting_at is not None
    state = str(outcome.state)
    against = bool(claim.carried) and state in (State.PASSED, State.SKIPPED)
    return Result(
        execution_id=claim.execution_id,
        run_id=int(request.run_id),
        claim=claim.number,
        state=claim.carried if against else state,
        message=claim.message if against else outcome.message,
        steps=[_step(step) for step in _kept(outcome)],
        started_at=outcome.started_at,
        finished_at=_end(outcome),
        duration_ms=outcome.duration_ms,
        trace_id=outcome.trace_id,
        resume_at=outcome.waiting_at or 0,
        resume_captured=encrypt(json.dumps(outcome.resume or {}).encode()) if waiting else None,
    )


def _end(outcome: CaseOutcome) -> datetime:
    return outcome.started_at + timedelta(milliseconds=outcome.duration_ms)


def _kept(outcome: CaseOutcome) -> list[StepOutcome]:
    """While it waits for a person, the steps behind that step have not been skipped: they are still to come."""
    if outcome.waiting_at is None:
        return outcome.steps
    return [step for step in outcome.steps if (step.phase, step.index) <= ("steps", outcome.waiting_at)]


def _step(step: StepOutcome) -> StepRecord:
    return StepRecord(
        position=step.index,
        phase=step.phase,
        path=step.path,
        name=step.name,
        kind=step.kind,
        point=step.point,
        state=str(step.state),
        optional=step.optional,
        message=step.message,
        request=step.request,
        response={**step.response, "notes": step.notes} if step.notes else step.response,
        checks=[check.as_dict() for check in step.checks],
        captured=step.captured,
        timings=step.timings,
        started_at=step.started_at,
        duration_ms=step.duration_ms,
        latency_ms=step.timings.get("total"),
        tries=step.tries,
        files=[File(name=a.name, content_type=a.media_type, content=a.content) for a in step.artifacts],
    )
