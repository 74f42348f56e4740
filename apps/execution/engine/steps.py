"""Runs one step: render, execute, check, capture, repeat."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.catalog.definition import Field, Kind, Step, find_kind
from apps.catalog.definition.canonical import places_of, subjects_of
from apps.catalog.definition.problems import Problems
from apps.catalog.definition.values import FieldChecker
from apps.execution.engine import assertions, tracing
from apps.execution.engine.children import inside
from apps.execution.engine.clock import time_of_day
from apps.execution.engine.gate import Ticket
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
    Wanted,
)
from apps.execution.executors.registry import Executors
from apps.execution.executors.sessions import CaseSession

log = logging.getLogger(__name__)

MAX_CHILDREN = 5_000  # results inside those of steps that one case may leave
_ROOM = "room for children"


@dataclass(slots=True)
class Scope:
    """What the steps of one case share. *captured* is unmasked; *capturable* gives the names of all captures.

    Each branch that runs beside others has one of its own, with the *ticket* of the gate where they meet.
    """

    templates: Templates
    masker: Masker
    executors: Executors
    execution_id: str
    allowed: frozenset[str]
    environment: str
    trace_id: str
    session: CaseSession = field(default_factory=CaseSession)
    captured: dict[str, Any] = field(default_factory=dict)
    capturable: Callable[[], frozenset[str]] = frozenset
    ticket: Ticket | None = None


@dataclass(slots=True)
class _Prepared:
    """A step with its templates rendered."""

    kind: Kind
    executor: Executor
    request: StepRequest
    context: StepContext
    checks: list[dict[str, Any]]
    capture: Mapping[str, dict[str, Any]]
    until: Sequence[dict[str, Any]] = ()


Work = Callable[[Step, StepOutcome, Scope], Awaitable[None]]


async def perform(step: Step, outcome: StepOutcome, scope: Scope, group: Work | None = None) -> None:
    """Run *step* and write into *outcome* what it did. Raises nothing but ``CancelledError``.

    *group* runs it when it has steps of its own.
    """
    try:
        if step.when and not scope.templates.condition(step.when):
            outcome.message = f"not needed: “{step.when}” was false"
        elif group is not None:
            await group(step, outcome, scope)
        else:
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
    if outcome.phase == "teardown" and error.variable in scope.capturable():
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
    params = params_of(step, kind, scope)
    try:
        _check_permission(kind, scope)
        outcome.span_id = tracing.new_span_id()
        checks, capture = _looked_at(step, scope)
        until = _until(step, scope)
        prepared = _Prepared(
            kind,
            executor,
            StepRequest(step.kind, params, step.timeout, _wanted(kind, checks, capture, until)),
            StepContext(scope.execution_id, tracing.traceparent(scope.trace_id, outcome.span_id), scope.session),
            checks,
            capture,
            until,
        )
        if scope.ticket is not None and await scope.ticket.arrive():
            outcome.started_at = time_of_day()
        await _repeat(step, prepared, outcome, scope)
    finally:
        if not outcome.request:  # the executor did not come so far as to say what it sent
            outcome.request = executor.describe(params)


def params_of(step: Step, kind: Kind, scope: Scope) -> Mapping[str, Any]:
    """``with``, rendered. Only what holds templates can differ from what was checked when the case was saved."""
    names = step.templated.params
    if not names:
        return step.params
    params: Mapping[str, Any] = scope.templates.render(step.params, "with")
    check_rendered([one for one in kind.fields if one.name in names], {name: params[name] for name in names})
    return params


def _looked_at(step: Step, scope: Scope) -> tuple[list[dict[str, Any]], Mapping[str, dict[str, Any]]]:
    """The checks and captures of *step*, rendered where they hold templates."""
    templated, render = step.templated, scope.templates.render
    checks = step.expect
    if templated.expect:
        checks = [
            render(check, f"expect[{place}]") if place in templated.expect else check
            for place, check in enumerate(step.expect)
        ]
    return checks, render(step.capture, "capture") if templated.capture else step.capture


def _until(step: Step, scope: Scope) -> Sequence[dict[str, Any]]:
    """The checks for which ``retry`` waits, rendered likewise."""
    if step.retry is None:
        return ()
    return scope.templates.render(step.retry.until, "retry.until") if step.templated.until else step.retry.until


def _wanted(
    kind: Kind,
    checks: Sequence[dict[str, Any]],
    capture: Mapping[str, dict[str, Any]],
    until: Sequence[dict[str, Any]],
) -> Wanted:
    """What a live kind looks at by itself: everything in question, until what decides this try holds."""
    if not kind.live:
        return Wanted()
    captured = [(source["from"], source.get("at", "")) for source in capture.values()]

    def holds(observed: Observed) -> bool:
        if until:
            return all(assertions.evaluate(kind, check, observed).passed for check in until)
        found = all(assertions.is_there(kind, source, observed) for source in capture.values())
        return found and all(check.passed for check in _check(kind, checks, observed))

    return Wanted([*places_of(checks), *places_of(until), *captured], holds)


def _check_permission(kind: Kind, scope: Scope) -> None:
    if kind.restricted and kind.name not in scope.allowed:
        raise StepBlocked(
            f"steps of kind {kind.name} are not allowed on this worker; "
            f"they run on workers started with INTEGHUB_ALLOW={kind.name}"
        )


def check_rendered(fields: Iterable[Field], params: Mapping[str, Any]) -> None:
    """Refuse values that only the variables of this execution made wrong."""
    problems = Problems()
    FieldChecker(problems, rendered=True).check(tuple(fields), (), params, ("with",))
    if problems:
        first = problems.in_order()[0]
        raise StepBlocked(f"{first.path}: {first.message} (once its variables are filled in)")


async def _repeat(step: Step, prepared: _Prepared, outcome: StepOutcome, scope: Scope) -> None:
    """Try until everything holds, at most as long as the step's ``retry`` says."""
    loop = asyncio.get_running_loop()
    end = loop.time() + step.retry.for_s if step.retry else 0.0
    while True:
        outcome.tries += 1
        if await _try(prepared, outcome, scope) or step.retry is None:
            return
        if loop.time() + step.retry.every_s > end:
            outcome.message += f" (still so after {outcome.tries} tries in {step.retry.for_s:g} s)"
            return
        await asyncio.sleep(step.retry.every_s)


async def _try(prepared: _Prepared, outcome: StepOutcome, scope: Scope) -> bool:
    """One try; whether it was the last: everything held, or what the retry waits for came."""
    started = time.perf_counter()
    observed, failure = await _execute(prepared)
    total = (time.perf_counter() - started) * 1000
    if observed is None:
        observed = Observed(request=outcome.request)
    observed.timings.setdefault("total", total)
    observed.subjects.setdefault("duration", round(observed.timings["total"], 3))
    _keep(observed, outcome)
    if observed.children:
        _keep_children(observed, outcome, scope)
    if failure:
        outcome.state = State.FAILED
        outcome.message = failure
        outcome.checks = []
        return False
    if not _over(prepared, observed, outcome):
        return False
    _look(prepared.kind, prepared.checks, prepared.capture, observed, outcome, scope)
    return outcome.state is State.PASSED or bool(prepared.until)


async def _execute(prepared: _Prepared) -> tuple[Observed | None, str]:
    """What was observed, and why the other side did not answer ("" when it did)."""
    limit, grace = prepared.request.timeout, prepared.executor.grace
    try:
        if grace is None:
            return await prepared.executor.run(prepared.request, prepared.context), ""
        async with asyncio.timeout(limit + grace):
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


def _keep_children(observed: Observed, outcome: StepOutcome, scope: Scope) -> None:
    """Results inside this one; a case has room for so many in all."""
    left = scope.session.held.setdefault(_ROOM, MAX_CHILDREN)
    outcome.inside = inside(outcome, observed.children, left)
    scope.session.held[_ROOM] = left - len(outcome.inside)


def _over(prepared: _Prepared, observed: Observed, outcome: StepOutcome) -> bool:
    """Whether what the retry waits for has come; without such checks there is nothing to wait for."""
    if not prepared.until:
        return True
    outcome.checks = [assertions.evaluate(prepared.kind, check, observed) for check in prepared.until]
    failed = [check for check in outcome.checks if not check.passed]
    outcome.state = State.FAILED if failed else State.PASSED
    outcome.message = _summary(failed)
    return not failed


def conclude(step: Step, observed: Observed, outcome: StepOutcome, scope: Scope) -> None:
    """Check and capture on what a group as a whole shows."""
    kind = find_kind(step.kind)
    if kind is not None:
        _look(kind, *_looked_at(step, scope), observed, outcome, scope)


def _look(
    kind: Kind,
    checks: list[dict[str, Any]],
    capture: Mapping[str, dict[str, Any]],
    observed: Observed,
    outcome: StepOutcome,
    scope: Scope,
) -> None:
    """Check and capture; the step passes when all of it went well."""
    outcome.checks = _check(kind, checks, observed)
    missing = _capture(kind, capture, observed, outcome, scope)
    failed = [check for check in outcome.checks if not check.passed]
    verdict = observed.verdict if observed.verdict and "failed" not in subjects_of(checks) else ""
    outcome.state = State.FAILED if failed or missing or verdict else State.PASSED
    outcome.message = verdict or _summary(failed) or missing


def _check(kind: Kind, checks: Sequence[dict[str, Any]], observed: Observed) -> list[CheckResult]:
    looked_at = subjects_of(checks)
    implied = [
        assertions.evaluate(kind, check, observed, implied=True)
        for check in kind.implied
        if check["check"] not in looked_at
    ]
    return implied + [assertions.evaluate(kind, check, observed) for check in checks]


def _capture(
    kind: Kind, capture: Mapping[str, dict[str, Any]], observed: Observed, outcome: StepOutcome, scope: Scope
) -> str:
    """Keep what can be captured, also when a check failed: the teardown may need it.

    Returns why something could not be captured, or "".
    """
    missing = ""
    outcome.captured = {}
    if observed.gives:
        _give(observed.gives, outcome, scope)
    for name, source in capture.items():
        try:
            value = assertions.capture(kind, name, source, observed)
        except assertions.CaptureError as error:
            missing = missing or str(error)
            continue
        if source.get("secret"):
            for text in texts_in(value):
                scope.masker.add(text)
        outcome.captured[name] = scope.captured[name] = scope.templates.values[name] = value
    return missing


def _give(given: Mapping[str, Any], outcome: StepOutcome, scope: Scope) -> None:
    """Keep variables that the step gives by itself."""
    for name, value in given.items():
        outcome.captured[name] = scope.captured[name] = scope.templates.values[name] = value


def _summary(failed: list[CheckResult]) -> str:
    if not failed:
        return ""
    more = len(failed) - 1
    return failed[0].message + (f" (and {more} more {'check' if more == 1 else 'checks'} failed)" if more else "")
