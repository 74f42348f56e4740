"""The page of one execution: its steps, the failed one in full, and what surrounds it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from apps.core.states import State
from apps.runs.models import Artifact, Attempt, CaseRecord, Execution, ExecutionEvent, StepResult
from apps.runs.pages.actions import ACTIONS, ActionView, actions
from apps.runs.pages.bodies import FULL, INLINE, Body, Line, body, diff_lines
from apps.runs.pages.downloads import PICTURES
from apps.runs.pages.exchange import Side, as_curl, side
from apps.runs.pages.waterfall import Phase, phases, timeline

_VALUE = 2_000  # characters of an expected or actual value on the page
ARTIFACTS = 50
DEEDS = 100
_RECENT = 500  # executions of a case in which its last pass is looked for


@dataclass(frozen=True)
class CheckView:
    """One check: what was expected and what came, or the difference between them."""

    label: str
    passed: bool
    implied: bool
    message: str
    expected: Body | None
    actual: Body | None
    diff: list[Line]


@dataclass(frozen=True)
class StepDetail:
    """All that is known of one step."""

    step: StepResult
    checks: list[CheckView]
    request: Side
    response: Side
    phases: list[Phase]
    curl: str
    full: bool
    timeline: list[Phase] = field(default_factory=list)  # of the passes inside
    captured: list[tuple[str, Body | None]] = field(default_factory=list)
    artifacts: Sequence[Artifact] = ()
    actions: list[ActionView] = field(default_factory=list)

    @property
    def pictures(self) -> list[Artifact]:
        """Pictures that the step itself took; those of people are among the files."""
        return [] if self.step.kind == "manual" else [one for one in self.artifacts if one.content_type in PICTURES]

    @property
    def files(self) -> list[Artifact]:
        """What is offered as a file."""
        return [one for one in self.artifacts if one not in self.pictures]

    @property
    def total_ms(self) -> float:
        """What the phases add up to; the total of some kinds does not count connecting."""
        return max(sum(phase.milliseconds for phase in self.phases), float(self.step.timings.get("total") or 0))

    @property
    def cut(self) -> bool:
        """Whether more of a body can be had."""
        return any(block.body.cut for part in (self.request, self.response) for block in part.blocks)


def find(executions: QuerySet[Execution], pk: int) -> QuerySet[Execution]:
    """The execution *pk* of *executions* with what its page shows of its surroundings."""
    return executions.filter(pk=pk).select_related(
        "run__system", "run__environment", "run__plan", "case", "revision", "failure_group__point", "assigned_to"
    )


def attempt_asked(execution: Execution, attempts: Sequence[Attempt], wanted: str) -> int:
    """The attempt to show: the one asked for, when there is it, else the last."""
    numbers = {str(one.number) for one in attempts}
    return int(wanted) if wanted in numbers else execution.attempt


def attempts(execution: Execution, ended: Sequence[Attempt]) -> list[tuple[int, str]]:
    """Number and state of each attempt, the present one last."""
    known = [(one.number, one.state) for one in ended if one.number != execution.attempt]
    return [*known, (execution.attempt, execution.state)]


def detail(step: StepResult, *, full: bool = False) -> StepDetail:
    """Everything about *step*; its bodies cut short unless *full*."""
    limit = FULL if full else INLINE
    told = actions(step.response.get(ACTIONS))
    apart = {"passes", *([ACTIONS] if told else [])}
    checks = sorted(step.checks, key=lambda check: bool(check.get("passed")))
    return StepDetail(
        step=step,
        checks=[_check(check) for check in checks],
        request=side({} if step.kind == "manual" else step.request, limit),
        response=side(_flat({name: value for name, value in step.response.items() if name not in apart}), limit),
        phases=phases(step.timings),
        timeline=timeline(step.response.get("passes") or [], step.duration_ms),
        curl=as_curl(step.request),
        full=full,
        captured=[(name, body(value, _VALUE)) for name, value in step.captured.items()],
        artifacts=list(step.artifacts.order_by("pk")[:ARTIFACTS]) if step.pk else [],
        actions=told,
    )


def _flat(response: dict[str, Any]) -> dict[str, Any]:
    """*response* with the counts of its tests side by side."""
    counts = response.get("tests")
    if not isinstance(counts, dict) or "total" not in counts:
        return response
    rest = {name: value for name, value in response.items() if name != "tests"}
    return {"tests": counts["total"], **{name: counts[name] for name in counts if name != "total"}, **rest}


def _check(check: dict[str, Any]) -> CheckView:
    failed = not check.get("passed")
    return CheckView(
        label=str(check.get("label", "")),
        passed=not failed,
        implied=bool(check.get("implied")),
        message=str(check.get("message", "")),
        expected=_value(check.get("expected"), beside=check.get("actual")) if failed else None,
        actual=_value(check.get("actual"), beside=check.get("expected")) if failed else None,
        diff=diff_lines(str(check.get("diff") or "")) if failed else [],
    )


def _value(value: Any, *, beside: Any) -> Body:
    """A value to compare: nothing and "" are values, too, and the text "6" is not the number 6 *beside* it."""
    found = body(value, _VALUE)
    if found is None or (isinstance(value, str) and not isinstance(beside, str) and len(value) < _VALUE):
        text = json.dumps(value, ensure_ascii=False)
        return Body(text, True, len(text))
    return found


@dataclass(frozen=True)
class Surroundings:
    """What a reader asks next: is it new, when did it last pass, which failed before and after it in the run."""

    strip: str
    last_passed: Execution | None
    previous: Execution | None
    following: Execution | None
    attempts: Sequence[Attempt]
    defects: list[Any]


def deeds(execution: Execution) -> list[ExecutionEvent]:
    """Who did what with it, the first first; of very many the last."""
    newest = execution.events.select_related("actor", "assignee", "before").order_by("-pk")[:DEEDS]
    return list(newest)[::-1]


def surroundings(execution: Execution) -> Surroundings:
    """Everything around *execution*, each in one bounded query."""
    record = CaseRecord.objects.filter(case=execution.case_id, environment=execution.run.environment_id).first()
    failed = Execution.objects.filter(run=execution.run_id).failed().only("pk", "title", "position")
    recent = Execution.objects.filter(case=execution.case_id, run__lt=execution.run_id).order_by("-pk")[:_RECENT]
    passed = Execution.objects.filter(
        pk__in=recent.values("pk"),
        run__environment=execution.run.environment_id,
        row_label=execution.row_label,
        state=State.PASSED,
    )
    group = execution.failure_group
    return Surroundings(
        strip=record.strip if record else "",
        last_passed=passed.select_related("run").order_by("-pk").first(),
        previous=failed.filter(position__lt=execution.position).order_by("-position").first(),
        following=failed.filter(position__gt=execution.position).order_by("position").first(),
        attempts=list(execution.attempts.order_by("number")),
        defects=list(group.defects.order_by("-pk")[:10]) if group else [],
    )
