"""The manual runner: where an execution stands, and the one step that a person does next."""

from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet, When

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
    following = _next_waiting(execution, user)
    if current is not None:
        return Runner("step", lines, current, list(current.artifacts.order_by("pk")), following)
    return Runner("done" if execution.state in FINAL else "working", lines, next_waiting=following)


def _next_waiting(execution: Execution, user: Any) -> Execution | None:
    """What *user* could do next: theirs in the same run from here on, theirs in other runs, what nobody has here."""
    waiting = Execution.objects.filter(state=State.WAITING).exclude(pk=execution.pk)
    here = waiting.filter(Q(assigned_to=user.pk) | Q(assigned_to=None), run=execution.run_id)
    found = here.annotate(
        theirs=models.Case(When(assigned_to=user.pk, then=0), default=1),
        behind=models.Case(When(position__gt=execution.position, then=0), default=1),
    ).order_by("theirs", "behind", "position")
    elsewhere = waiting.filter(run__system=execution.run.system_id, assigned_to=user.pk).order_by("pk")
    first = found.only("pk", "title").first()
    if first is None or first.theirs:  # type: ignore[attr-defined]
        return elsewhere.only("pk", "title").first() or first
    return first
