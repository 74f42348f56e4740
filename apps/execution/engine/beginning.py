"""What is done before the first step: whoever must see everything from the case's beginning starts looking."""

from collections.abc import Iterable, Iterator

from apps.catalog.definition import Step, find_kind
from apps.execution.engine import tracing
from apps.execution.engine.steps import Scope
from apps.execution.engine.templating import TemplateError
from apps.execution.executors.base import Begins, StepBlocked, StepContext, StepRequest


async def begin(steps: Iterable[Step], scope: Scope) -> None:
    """Let the executors of *steps* that watch from the beginning open what they need, in order.

    When the case goes on after a person, all its steps are told again: an executor knows what it opened before,
    and closes it with the case. A step whose values are not known yet is passed over; it says so itself later.
    """
    for step in _inside(steps):
        kind = find_kind(step.kind)
        if kind is None or not kind.begins:
            continue
        try:
            executor = scope.executors.find(step.kind)
            params = scope.templates.render(step.params, "with")
        except (TemplateError, StepBlocked):
            continue
        if isinstance(executor, Begins):
            traceparent = tracing.traceparent(scope.trace_id, tracing.new_span_id())
            context = StepContext(scope.execution_id, traceparent, scope.session)
            await executor.begin(StepRequest(step.kind, params, step.timeout), context)


def _inside(steps: Iterable[Step]) -> Iterator[Step]:
    """*steps* and those inside them."""
    for step in steps:
        yield step
        for branch in step.branches:
            yield from _inside(branch.steps)
