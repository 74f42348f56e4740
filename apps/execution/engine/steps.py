"""Runs one step: render, execute, check, capture, repeat."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.catalog.definition import Kind, Step, find_kind
from apps.catalog.definition.problems import Problems
from apps.catalog.definition.values import FieldChecker
from apps.execution.engine import assertions, tracing
from apps.execution.engine.masking import Masker, texts_in
from apps.execution.engine.model import CheckResult, State, StepOutcome
from apps.execution.engine.templating import TemplateError, Templates
from apps.execution.executors.base import (
    Executor,
    NeedsPerson,
    Observed,
    SeamError,
    StepBlocked,
    StepContext,
    StepRequest,
)
from apps.execution.executors.registry import Executors

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Scope:
    """What the steps of one case share. *captured* is unmasked; *capturable* are the names of all captures."""

    templates: Templates
    masker: Masker
    executors: Executors
    execution_id: str
    allowed: frozenset[str]
    environment: str
    trace_id: str
    captured: dict[str, Any] = field(default_factory=dict)
    capturable: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Prepared:
    """A step with its templates rendered."""

    kind: Kind
    executor: Executor
    request: StepRequest
    context: StepContext
    checks: list[dict[str, Any]]
    capture: Mapping[str, dict[str, Any]]


async def perform(step: Step, outcome: StepOutcome, scope: Scope) -> None:
    """Run *step* and write into *outcome* what it did. Raises nothing but ``CancelledError``."""
    try:
        await _do(step, outcome, scope)
    except NeedsPerson:
        outcome.state = State.WAITING
    except TemplateError as error:
        _not_rendered(error, outcome, scope)
    except StepBlocked as error:
        outcome.state = State.BLOCKED
        outcome.message = str(error)
    except asyncio.CancelledError:
        outcome.state = State.CANCELLED
        outcome.message = "cancelled before it ended"
        raise
    except Exception as error:
        # A bug of an executor must not take the worker with it, nor look like a failure of the system.
        log.exception("executor crashed", extra={"kind": step.kind, "execution_id": scope.execution_id})
        outcome.state = State.BLOCKED
        outcome.message = f"IntegHub could not do this step: {type(error).__name__}: {error}"


def _not_rendered(error: TemplateError, outcome: StepOutcome, scope: Scope) -> None:
    if outcome.phase == "teardown" and error.variable in scope.capturable:
        outcome.state = State.SKIPPED
        outcome.message = f"not needed: “{error.variable}” was never captured"
    else:
        outcome.state = State.BLOCKED
        outcome.message = str(error) + (f" in environment {scope.environment}" if scope.environment else "")


async def _do(step: Step, outcome: StepOutcome, scope: Scope) -> None:
    kind = find_kind(step.kind)
    if kind is None:
        raise StepBlocked(f"unknown step kind “{step.kind}”")
    executor = scope.executors.find(step.kind)
    params = scope.templates.render(step.params, "with")
    _check_rendered(kind, params)
    try:
        _check_permission(kind, scope)
        outcome.span_id = tracing.new_span_id()
        prepared = _Prepared(
            kind,
            executor,
            StepRequest(step.kind, params, step.timeout),
            StepContext(scope.execution_id, tracing.traceparent(scope.trace_id, outcome.span_id)),
            scope.templates.render(step.expect, "expect"),
            scope.templates.render(step.capture, "capture"),
        )
        await _repeat(step, prepared, outcome, scope)
    finally:
        if not outcome.request:  # the executor did not come so far as to say what it sent
            outcome.request = executor.describe(params)


def _check_permission(kind: Kind, scope: Scope) -> None:
    if kind.restricted and kind.name not in scope.allowed:
        raise StepBlocked(
            f"steps of kind {kind.name} are not allowed on this worker; "
            f"they run on workers started with INTEGHUB_ALLOW={kind.name}"
        )


def _check_rendered(kind: Kind, params: Mapping[str, Any]) -> None:
    """Refuse values that only the variables of this execution made wrong."""
    problems = Problems()
    FieldChecker(problems, rendered=True).check(kind.fields, kind.choices, params, ("with",))
    if problems:
        first = problems.in_order()[0]
        raise StepBlocked(f"{first.path}: {first.message} (once its variables are filled in)")


async def _repeat(step: Step, prepared: _Prepared, outcome: StepOutcome, scope: Scope) -> None:
    """Try until everything holds, at most as long as the step's ``retry`` says."""
    loop = asyncio.get_running_loop()
    end = loop.time() + step.retry.for_s if step.retry else 0.0
    while True:
        outcome.tries += 1
        await _try(prepared, outcome, scope)
        if outcome.state is State.PASSED or step.retry is None:
            return
        if loop.time() + step.retry.every_s > end:
            outcome.message += f" (still so after {outcome.tries} tries in {step.retry.for_s:g} s)"
            return
        await asyncio.sleep(step.retry.every_s)


async def _try(prepared: _Prepared, outcome: StepOutcome, scope: Scope) -> None:
    started = time.perf_counter()
    observed, failure = await _execute(prepared)
    total = (time.perf_counter() - started) * 1000
    if observed is None:
        observed = Observed(request=outcome.request)
    observed.timings.setdefault("total", total)
    observed.subjects.setdefault("duration", round(observed.timings["total"], 3))
    _keep(observed, outcome)
    if failure:
        outcome.state = State.FAILED
        outcome.message = failure
        outcome.checks = []
        return
    outcome.checks = _check(prepared, observed)
    missing = _capture(prepared, observed, outcome, scope)
    failed = [check for check in outcome.checks if not check.passed]
    outcome.state = State.FAILED if failed or missing else State.PASSED
    outcome.message = _summary(failed) or missing


async def _execute(prepared: _Prepared) -> tuple[Observed | None, str]:
    """What was observed, and why the other side did not answer ("" when it did)."""
    limit = prepared.request.timeout
    try:
        async with asyncio.timeout(limit + prepared.executor.grace):
            return await prepared.executor.run(prepared.request, prepared.context), ""
    except TimeoutError:
        return None, f"no answer within {limit:g} s"
    except SeamError as error:
        return error.observed, str(error)


def _keep(observed: Observed, outcome: StepOutcome) -> None:
    outcome.request = observed.request or outcome.request
    outcome.response = observed.response
    outcome.timings = {name: round(value, 3) for name, value in observed.timings.items()}
    outcome.artifacts = observed.artifacts
    outcome.notes = observed.notes
    outcome.truncated = bool(observed.notes)
    if observed.notes:
        outcome.response = {**observed.response, "notes": observed.notes}


def _check(prepared: _Prepared, observed: Observed) -> list[CheckResult]:
    looked_at = {check["check"] for check in prepared.checks}
    implied = [
        assertions.evaluate(prepared.kind, check, observed, implied=True)
        for check in prepared.kind.implied
        if check["check"] not in looked_at
    ]
    return implied + [assertions.evaluate(prepared.kind, check, observed) for check in prepared.checks]


def _capture(prepared: _Prepared, observed: Observed, outcome: StepOutcome, scope: Scope) -> str:
    """Keep what can be captured, also when a check failed: the teardown may need it.

    Returns why something could not be captured, or "".
    """
    missing = ""
    outcome.captured = {}
    for name, source in prepared.capture.items():
        try:
            value = assertions.capture(prepared.kind, name, source, observed)
        except assertions.CaptureError as error:
            missing = missing or str(error)
            continue
        if source.get("secret"):
            for text in texts_in(value):
                scope.masker.add(text)
        outcome.captured[name] = scope.captured[name] = scope.templates.values[name] = value
    return missing


def _summary(failed: list[CheckResult]) -> str:
    if not failed:
        return ""
    more = len(failed) - 1
    return failed[0].message + (f" (and {more} more {'check' if more == 1 else 'checks'} failed)" if more else "")
