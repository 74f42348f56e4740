"""The manual runner: where an execution stands, and the one step that a person does next."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from apps.catalog.definition import Case
from apps.core.states import FINAL, State
from apps.runs.models import Artifact, Execution, StepResult


@dataclass(frozen=True)
class Line:
    """One step in the overview; *state* is ``queued`` for what is still to come."""

    number: int
    name: str
    by_person: bool
    state: str
    is_current: bool


@dataclass(frozen=True)
class Runner:
    """*mode* is ``step`` (a person is asked), ``working`` (automated steps run) or ``done``."""

    mode: str
    lines: list[Line]
    step: StepResult | None = None
    files: list[Artifact] = field(default_factory=list)
    next_waiting: Execution | None = None

    @property
    def number(self) -> int:
        """Number of the current step, from 1."""
        return self.step.position + 1 if self.step else 0


def find(executions: QuerySet[Execution], pk: int) -> QuerySet[Execution]:
    """The execution *pk* with what the runner shows around it."""
    return executions.filter(pk=pk).select_related("run__environment", "case", "revision", "assigned_to")


def runner(execution: Execution, user: Any) -> Runner:
    """How *execution* stands for *user*."""
    results = StepResult.objects.filter(execution=execution, attempt=execution.attempt, phase="steps", path="")
    states = dict(results.values_list("position", "state"))
    current = None
    if execution.state == State.WAITING:
        current = results.filter(position=execution.resume_at, state=State.WAITING).first()
    lines = [
        Line(
            number=index + 1,
            name=step.name,
            by_person=step.has_person,
            state=states.get(index, State.QUEUED),
            is_current=current is not None and index == current.position,
        )
        for index, step in enumerate(Case.of(execution.revision.definition).steps)
    ]
    if current is not None:
        return Runner("step", lines, current, list(current.artifacts.order_by("pk")))
    if execution.state in FINAL:
        return Runner("done", lines, next_waiting=_next_waiting(execution, user))
    return Runner("working", lines)


def _next_waiting(execution: Execution, user: Any) -> Execution | None:
    """What *user* could do next: in the same run, their own before what nobody has."""
    waiting = Execution.objects.filter(run=execution.run_id, state=State.WAITING).order_by("position")
    mine = waiting.filter(assigned_to=user.pk).first()
    return mine or waiting.filter(assigned_to__isnull=True).first()
