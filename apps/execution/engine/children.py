"""Results inside the result of one step: the tests of a report."""

from collections.abc import Iterator, Sequence
from typing import Any

from apps.execution.engine.model import State, StepOutcome
from apps.execution.executors.base import Child

KIND = "test"
_ORDER = (State.FAILED, State.BLOCKED, State.PASSED, State.SKIPPED)


def inside(outcome: StepOutcome, children: Sequence[Child], left: int) -> list[StepOutcome]:
    """Outcomes of the first *left* of *children*, and in *outcome* the groups in which they stand."""
    groups: dict[str, list[Child]] = {}
    for child in children[:left]:
        groups.setdefault(child.group, []).append(child)
    outcome.response = {**outcome.response, "passes": [_group(*one) for one in enumerate(groups.items(), 1)]}
    return [
        found
        for number, members in enumerate(groups.values(), 1)
        for found in _outcomes(outcome, f"{outcome.path}/{number}" if outcome.path else str(number), members)
    ]


def _group(number: int, group: tuple[str, list[Child]]) -> dict[str, Any]:
    name, members = group
    states = {child.state for child in members}
    state = next(one for one in _ORDER if one in states)
    duration = round(sum(child.duration_ms for child in members), 3)
    return {"number": number, "suite": name, "state": state.value, "duration_ms": duration, "count": len(members)}


def _outcomes(outcome: StepOutcome, prefix: str, members: Sequence[Child]) -> Iterator[StepOutcome]:
    for index, child in enumerate(members, 1):
        yield StepOutcome(
            index=outcome.index,
            phase=outcome.phase,
            path=f"{prefix}.{index}",
            name=child.name,
            kind=KIND,
            # A failure is one of the seam that the step exercises; what passed says no more of it than the step does.
            point=outcome.point if child.state is State.FAILED else "",
            state=child.state,
            message=child.message,
            response=dict(child.response),
            duration_ms=round(child.duration_ms, 3),
            started_at=outcome.started_at,
            tries=1,
        )
