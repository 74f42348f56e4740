"""Runs cases in tests: one event loop and one set of executors each."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from apps.catalog.definition import normalise
from apps.execution.engine.model import CaseOutcome, CaseRequest, Events, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Executor
from apps.execution.executors.registry import Executors

Definition = Mapping[str, Any]


def request_for(definition: Definition, **given: Any) -> CaseRequest:
    """A request with ids filled in."""
    return CaseRequest(definition=normalise(definition), **{"execution_id": "11", "run_id": "7", **given})


def case_of(*steps: Definition, teardown: Sequence[Definition] = (), **more: Any) -> dict[str, Any]:
    """A definition of these steps."""
    return {"title": "A case", "steps": list(steps), "teardown": list(teardown), **more}


def run(
    definition: Definition,
    *,
    settings: EngineSettings | None = None,
    extra: Mapping[str, type[Executor]] | None = None,
    events: Events | None = None,
    **given: Any,
) -> CaseOutcome:
    """Run *definition* to its end."""

    async def main() -> CaseOutcome:
        async with Executors(settings, extra=extra) as executors:
            return await run_case(request_for(definition, **given), executors, events)

    return asyncio.run(main())


def run_step(
    kind: str, params: Mapping[str, Any], *, settings: EngineSettings | None = None, **more: Any
) -> StepOutcome:
    """Run a case of one step; *more* are keys of the step, or of the request."""
    keys = ("expect", "capture", "retry", "timeout", "optional", "point")
    step = {"name": "The step", "kind": kind, "with": params, **{key: more.pop(key) for key in keys if key in more}}
    return run(case_of(step), settings=settings, **more).steps[0]
