"""What an executor is: one step kind, values in, values out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from apps.execution.engine.model import Artifact, State
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.sessions import CaseSession


class SeamError(Exception):
    """The other side could not be reached or did not answer: the step fails with this message."""

    def __init__(self, message: str, observed: "Observed | None" = None) -> None:
        self.observed = observed
        super().__init__(message)


class StepBlocked(Exception):
    """The step cannot be executed here, whatever the system under test does."""


class NeedsPerson(Exception):
    """The step waits for a person."""


class NotObserved(Exception):
    """A subject has no value in this result; the text says why."""


def _nothing_more(observed: "Observed") -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the checks and captures of a step look at, for kinds that must look while the other side is there.

    *places* are pairs of subject and ``at``; *holds* says of what was seen whether everything holds.
    """

    places: Sequence[tuple[str, str]] = ()
    holds: Callable[["Observed"], bool] = _nothing_more


@dataclass(frozen=True, slots=True)
class StepRequest:
    """One step, rendered. *params* fit the fields of its kind; *timeout* is seconds for this try."""

    kind: str
    params: Mapping[str, Any]
    timeout: float
    wanted: Wanted = Wanted()


@dataclass(frozen=True, slots=True)
class StepContext:
    """Where the step runs. *traceparent* is sent along where the protocol has a place for it; *session* is what
    the steps of the case share."""

    execution_id: str = ""
    traceparent: str = ""
    session: CaseSession = field(default_factory=CaseSession)


class Lazy(Protocol):
    """Computes a subject's value when a check asks for it. May raise ``NotObserved``."""

    def __call__(self) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A result inside that of the step, such as a test of a report; those of one *group* are shown together."""

    group: str
    name: str
    state: State
    message: str = ""
    duration_ms: float = 0.0
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Observed:
    """What an executor saw. *request* and *response* are for people, *subjects* for checks.

    *timings* are milliseconds. *notes* say what was cut. *gives* are variables for the steps behind.
    *verdict* fails the step with its text, unless the step itself checks how many ``failed``.
    """

    request: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)
    subjects: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gives: Mapping[str, Any] | None = None
    children: Sequence[Child] = ()
    verdict: str = ""

    def subject(self, name: str) -> Any:
        """The value that a check called *name* looks at. Raises ``NotObserved``."""
        if name not in self.subjects:
            raise NotObserved(f"there is no “{name}” in this result")
        value = self.subjects[name]
        if callable(value):
            value = self.subjects[name] = value()
        return value


class Executor(Protocol):
    """One step kind. Lives as long as the event loop; resources are opened when first needed."""

    kind: ClassVar[str]
    grace: ClassVar[float | None]
    """Seconds after ``timeout`` in which the executor ends by itself with a better message; None when it surely does,
    so that nobody has to watch it."""

    def __init__(self, settings: EngineSettings) -> None: ...

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it, also when the step did not come to its end."""

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Do the step once. Raises ``SeamError``, ``StepBlocked`` or ``NeedsPerson``."""

    async def aclose(self) -> None:
        """Close every resource."""


@runtime_checkable
class Begins(Protocol):
    """An executor that looks from the case's beginning, for kinds that say so (``Kind.begins``)."""

    async def begin(self, step: StepRequest, context: StepContext) -> None:
        """Called before the first step of the case. Does not raise: the step itself tells what went wrong."""
