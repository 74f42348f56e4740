"""What goes into the engine and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from apps.catalog.definition import Case, Shared

Phase = Literal["setup", "steps", "teardown"]


class State(StrEnum):
    """What a step or a case is; the words of ``apps.core.states``, which are tested to be the same."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a step made."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SharedVersion:
    """A revision of a shared step."""

    number: int
    shared: Shared


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRequest:
    """One execution: a case, its variables, and what it may do.

    *definition* is canonical; *case* is the same, where it was read before. *row* wins over *variables*
    and *secrets*. *deadline* (of ``time.monotonic()``) ends the case early. To go on after a manual step,
    give its index + 1 as *start_at* and the earlier outcome's ``resume`` as *captured*. *shared* are the shared
    steps that it may call, by short name. *mailbox* is the box of the environment.
    """

    definition: Mapping[str, Any]
    execution_id: str
    run_id: str
    environment: str = ""
    attempt: int = 1
    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    row: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    deadline: float | None = None
    allowed: frozenset[str] = frozenset()
    start_at: int = 0
    captured: Mapping[str, Any] = field(default_factory=dict, repr=False)
    trace_id: str = ""
    case: Case | None = field(default=None, repr=False)
    mailbox: str = ""
    shared: Mapping[str, SharedVersion] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class CheckResult:
    """How one check went. *expected* and *actual* are JSON-safe and bounded."""

    label: str
    passed: bool
    expected: Any = None
    actual: Any = None
    diff: str = ""
    message: str = ""
    implied: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON for storing."""
        return {
            "label": self.label,
            "passed": self.passed,
            "expected": self.expected,
            "actual": self.actual,
            "diff": self.diff,
            "message": self.message,
            "implied": self.implied,
        }


@dataclass(slots=True, kw_only=True)
class StepOutcome:
    """What one step did. Everything is JSON-safe, bounded, and masked when it leaves the engine.

    *timings* are milliseconds: dns, connect, tls, first_byte, transfer, total, of the last try.
    *duration_ms* spans all tries. *notes* say what was cut. *path* is empty but for steps inside others, which
    have the index of the outermost; *inside* are their outcomes, until the case has ended,
    and *clock* is when a step with others inside began.
    """

    index: int
    phase: Phase
    path: str = ""
    name: str
    kind: str
    point: str = ""
    state: State = State.SKIPPED
    optional: bool = False
    message: str = ""
    request: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)
    checks: list[CheckResult] = field(default_factory=list)
    captured: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    started_at: datetime | None = None
    duration_ms: float = 0.0
    tries: int = 0
    artifacts: list[Artifact] = field(default_factory=list)
    truncated: bool = False
    notes: list[str] = field(default_factory=list)
    span_id: str = ""
    inside: list["StepOutcome"] = field(default_factory=list)
    clock: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """JSON for storing; of artifacts only name, type and size."""
        return {
            "index": self.index,
            "phase": self.phase,
            "path": self.path,
            "name": self.name,
            "kind": self.kind,
            "point": self.point,
            "state": self.state.value,
            "optional": self.optional,
            "message": self.message,
            "request": self.request,
            "response": self.response,
            "checks": [check.as_dict() for check in self.checks],
            "captured": self.captured,
            "timings": self.timings,
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "duration_ms": self.duration_ms,
            "tries": self.tries,
            "artifacts": [
                {"name": one.name, "media_type": one.media_type, "size": len(one.content)} for one in self.artifacts
            ],
            "truncated": self.truncated,
            "notes": self.notes,
            "span_id": self.span_id,
        }


@dataclass(slots=True, kw_only=True)
class CaseOutcome:
    """What a case did.

    *waiting_at* is the index of the manual step that waits for a person; *resume* then holds the
    captured values **unmasked**: keep them encrypted, and hand them back as ``captured``.
    """

    state: State
    steps: list[StepOutcome]
    message: str = ""
    captured: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""
    started_at: datetime
    duration_ms: float = 0.0
    waiting_at: int | None = None
    resume: dict[str, Any] | None = field(default=None, repr=False)


class Events(Protocol):
    """Told about a case as it goes. Called in the event loop: must not block."""

    def step_started(self, phase: Phase, index: int, name: str, kind: str) -> None:
        """A step begins."""

    def step_finished(self, outcome: StepOutcome) -> None:
        """A step ended; *outcome* is masked."""
