"""What the engine and the importers hand over to be recorded. Plain values, masked and bounded already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.core.states import FINAL, State


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An artifact's content."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step of an attempt; *point* is the slug of an integration point of the system, or blank."""

    position: int
    name: str
    kind: str
    state: str
    phase: str = "steps"
    path: str = ""  # of a step inside another: which pass, which step
    point: str = ""
    optional: bool = False
    message: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[Mapping[str, Any]] = ()
    captured: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    started_at: datetime | None = None
    duration_ms: float | None = None
    latency_ms: float | None = None  # of the seam itself: the last try, without waiting between tries
    tries: int = 1
    files: Sequence[File] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one hand-out (*claim*) of an execution ended: a final state, or waiting for a person."""

    execution_id: int
    run_id: int
    claim: int
    state: str
    steps: Sequence[StepRecord]
    message: str = ""
    started_at: datetime
    finished_at: datetime
    duration_ms: float | None  # None: not known, as its worker was lost
    trace_id: str = ""
    resume_at: int = 0  # index of the step to go on with, when waiting
    resume_captured: bytes | None = None  # encrypted
    again: bool = False  # it failed, and there is another attempt (decided when it is recorded)

    @property
    def is_final(self) -> bool:
        """Whether the execution has ended with this."""
        return self.state in FINAL and not self.again

    @property
    def leaves(self) -> str:
        """State of the execution after this."""
        return State.QUEUED if self.again else self.state

    def failed_step(self) -> StepRecord | None:
        """The step that decided against it: the first that failed or was blocked and was not optional.

        Where that step has others inside, the one of them that failed.
        """
        against = [step for step in self.steps if step.state in (State.FAILED, State.BLOCKED) and not step.optional]
        found = next((step for step in against if not step.path), None)
        if found is None:
            return None
        place = (found.phase, found.position)
        inside = [step for step in against if step.path and (step.phase, step.position) == place]
        for step in inside:
            if not found.path or step.path.startswith(f"{found.path}/"):
                found = step
        return found
