"""What is done before the first step: whoever must see everything from the case's beginning starts looking."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from apps.catalog.definition import Field, Step, find_kind
from apps.execution.engine import tracing
from apps.execution.engine.flow import MAX_DEPTH
from apps.execution.engine.model import SharedVersion
from apps.execution.engine.steps import Scope
from apps.execution.engine.templating import TemplateError, Templates
from apps.execution.executors.base import Begins, StepBlocked, StepContext, StepRequest


async def begin(steps: Iterable[Step], scope: Scope, shared: Mapping[str, SharedVersion]) -> None:
    """Let the executors of *steps* that watch from the beginning open what they need, in order.

    When the case goes on after a person, all its steps are told again: an executor knows what it opened before,
    and closes it with the case. A step whose values are not known yet is passed over; it says so itself later.
    Of *shared* steps those count that know their values without what they are called with.
    """
    for step in _inside(steps, shared, MAX_DEPTH):
        kind = find_kind(step.kind)
        if kind is None or not kind.begins:
            continue
        try:
            executor = scope.executors.find(step.kind)
            params = _known(step.params, kind.fields, scope.templates)
        except (TemplateError, StepBlocked):
            continue
        if isinstance(executor, Begins):
            traceparent = tracing.traceparent(scope.trace_id, tracing.new_span_id())
            context = StepContext(scope.execution_id, traceparent, scope.session)
            await executor.begin(StepRequest(step.kind, params, step.timeout), context)


def _known(given: Mapping[str, Any], fields: Sequence[Field], templates: Templates) -> dict[str, Any]:
    """*given* as far as its values are known. Raises ``TemplateError`` when they say where to look."""
    described = {field.name: field for field in fields}
    known: dict[str, Any] = {}
    for name, value in given.items():
        field = described.get(name)
        if field is not None and field.type == "object" and isinstance(value, Mapping):
            known[name] = _known(value, field.fields, templates)
            continue
        try:
            known[name] = templates.render(value, f"with.{name}")
        except TemplateError:
            if field is None or not field.late:
                raise
    return known


def _inside(steps: Iterable[Step], shared: Mapping[str, SharedVersion], depth: int) -> Iterator[Step]:
    """*steps* and those inside them, at most *depth* shared steps deep."""
    for step in steps:
        yield step
        for branch in step.branches:
            yield from _inside(branch.steps, shared, depth)
        called = shared.get(step.params["step"]) if step.kind == "call" else None
        if called is not None and depth:
            yield from _inside(called.shared.steps, shared, depth - 1)
