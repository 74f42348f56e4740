"""The steps of one attempt as a tree: what happened, what stands inside other steps, and what is to come."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.db.models.fields.json import KT, KeyTransform
from django.db.models.functions import Left
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.catalog.definition import Case, Step
from apps.core.states import NOT_PASSED, OPEN, State
from apps.runs.models import Execution, StepResult
from apps.runs.pages.waterfall import pass_label

if TYPE_CHECKING:
    from apps.runs.pages.execution_page import StepDetail

_SUMMARY = 200  # characters of what a folded step says
PASSES = 50  # passes of one step that its line shows; those that did not pass are always among them
AT_ONCE = 40  # steps inside others that are on the page from the start; the rest comes when a pass is unfolded

Place = tuple[str, int]


@dataclass
class StepRow:
    """One line of the step tree; *result* is None for a step that is still to come."""

    number: int
    phase: str
    name: str
    kind: str
    state: str
    optional: bool = False
    result: StepResult | None = None
    summary: str = ""
    detail: "StepDetail | None" = None
    passes: "list[PassRow]" = field(default_factory=list)
    more_passes: int = 0
    within: tuple[str, ...] = ()  # of the failed one: the step and the pass or copy in which it stands

    @property
    def outermost(self) -> int:
        """Number of the step of the case in which it stands."""
        return self.result.position + 1 if self.result else self.number


@dataclass
class PassRow:
    """One pass or copy of a step with steps inside; *later* when its steps are fetched only when it is unfolded."""

    number: int
    label: str
    state: str
    duration_ms: float | None
    rows: list[StepRow]
    is_open: bool = False
    later: bool = False


def light_steps(execution: Execution, attempt: int) -> list[StepResult]:
    """Steps of an attempt without their bodies, which may be large."""
    rows = StepResult.objects.filter(execution=execution, attempt=attempt).select_related("point", "executed_by")
    rows = rows.defer("request", "response", "checks").annotate(
        method=Left(KT("request__method"), _SUMMARY),
        url=Left(KT("request__url"), _SUMMARY),
        status=Left(KT("response__status"), 40),
        tests=KeyTransform("tests", "response"),
        title=Left(KT("response__title"), _SUMMARY),
        row_count=Left(KT("response__row_count"), 20),
        exit_code=Left(KT("response__exit_code"), 20),
        passes=KeyTransform("passes", "response"),
    )
    return list(rows.order_by("phase", "position", "pk"))


def step_rows(execution: Execution, results: Sequence[StepResult], attempt: int) -> list[StepRow]:
    """The step tree: what happened, then, for an execution that is not over, what is to come."""
    defined = Case.of(execution.revision.definition).phases
    inside = _inside(results)
    rows = [
        _row(result, _defined(defined[result.phase], result.position), inside) for result in results if not result.path
    ]
    if execution.state in OPEN and attempt == execution.attempt:
        seen = {(result.phase, result.position) for result in results}
        rows += [
            StepRow(index + 1, phase, step.name, step.kind, State.QUEUED, step.optional)
            for phase, steps in defined.items()
            for index, step in enumerate(steps)
            if (phase, index) not in seen
        ]
        rows.sort(key=lambda row: (row.phase, row.number))
    return rows


Inside = Mapping[tuple[Place, str], Sequence[StepResult]]


def _inside(results: Sequence[StepResult]) -> Inside:
    """Results of steps inside others by the pass in which they stand."""
    found: dict[tuple[Place, str], list[StepResult]] = defaultdict(list)
    for result in results:
        if result.path:
            found[(result.phase, result.position), result.path.rpartition(".")[0]].append(result)
    return found


def _defined(steps: Sequence[Step], position: int) -> Step | None:
    return steps[position] if position < len(steps) else None


def _row(result: StepResult, step: Step | None, inside: Inside) -> StepRow:
    number = int(result.path.rpartition(".")[2]) if result.path else result.position + 1
    row = StepRow(
        number=number,
        phase=result.phase,
        name=result.name,
        kind=result.kind,
        state=result.state,
        optional=step is not None and step.optional,
        result=result,
        summary=_summary(result),
    )
    told: list[dict[str, Any]] = getattr(result, "passes", None) or []
    chosen = [one for index, one in enumerate(told) if index < PASSES or one["state"] in NOT_PASSED]
    row.passes = [_pass(result, step, one, inside) for one in chosen]
    row.more_passes = len(told) - len(chosen)
    return row


def _pass(result: StepResult, step: Step | None, told: Mapping[str, Any], inside: Inside) -> PassRow:
    number = int(told["number"])
    prefix = f"{result.path}/{number}" if result.path else str(number)
    branch = step.branches[told.get("branch", 1) - 1] if step is not None and step.branches else None
    rows = [
        _row(one, _defined(branch.steps, index) if branch else None, inside)
        for index, one in enumerate(inside.get(((result.phase, result.position), prefix), ()))
    ]
    if step is not None and step.reckons_with_failures and told["state"] == State.FAILED:
        for row, _above in _all(rows):
            row.optional = row.optional or row.state == State.FAILED
    return PassRow(number, pass_label(told), told["state"], told.get("duration_ms"), rows)


def _summary(result: Any) -> str:
    if result.message and result.state != State.PASSED:
        return str(result.message.splitlines()[0][:_SUMMARY])
    if result.note:
        return str(result.note.splitlines()[0][:_SUMMARY])
    if isinstance(result.tests, dict) and "total" in result.tests:
        return _("%(passed)s passed, %(skipped)s skipped") % result.tests
    if result.passes and len(result.passes) > 1:
        passed = sum(one["state"] == State.PASSED for one in result.passes)
        return _("%(passed)s of %(count)s passed") % {"passed": passed, "count": len(result.passes)}
    if result.method and result.url:
        parts = urlsplit(result.url)
        where = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        return f"{result.method} {where}" + (f" → {result.status}" if result.status else "")
    if result.method:  # gRPC: package.Service/Method
        return f"{result.method.rsplit('.', 1)[-1]}" + (f" → {result.status}" if result.status else "")
    if result.title:
        return str(result.title)
    if result.row_count:
        rows = int(result.row_count)
        return ngettext("%(count)s row", "%(count)s rows", rows) % {"count": rows}
    if result.exit_code:
        return _("exit code %(code)s") % {"code": result.exit_code}
    if result.kind == "set":
        return ", ".join(result.captured)[:_SUMMARY]
    return str(result.status or "")


def to_open(rows: Sequence[StepRow], wanted: str) -> StepRow | None:
    """The step to show in full: the one asked for, else the first that failed and was not optional.

    Of a step with others inside, the one of them that failed. The passes on the way to it are opened.
    """
    done = [row for row in rows if row.result is not None]
    for row, above in _all(done):
        if wanted and row.result is not None and str(row.result.pk) == wanted:
            return _unfold(row, above)
    failed = [row for row in done if row.state in NOT_PASSED]
    first = next((row for row in failed if not row.optional), failed[0] if failed else None)
    if first is None:
        return None
    found, above = _deepest(first)
    if found is not first:
        found.within = (first.name, *(one.label for one in above if one.label))
    return _unfold(found, above)


def _all(rows: Sequence[StepRow], above: tuple[PassRow, ...] = ()) -> Iterator[tuple[StepRow, tuple[PassRow, ...]]]:
    """Every row at any depth, with the passes in which it stands."""
    for row in rows:
        yield row, above
        for one in row.passes:
            yield from _all(one.rows, (*above, one))


def _deepest(row: StepRow) -> tuple[StepRow, tuple[PassRow, ...]]:
    above: tuple[PassRow, ...] = ()
    while True:
        failed = ((one, inner) for one in row.passes for inner in one.rows if inner.state in NOT_PASSED)
        found = next(((one, inner) for one, inner in failed if not inner.optional), None)
        if found is None:
            return row, above
        above, row = (*above, found[0]), found[1]


def _unfold(row: StepRow, above: Sequence[PassRow]) -> StepRow:
    for one in above:
        one.is_open = True
    return row


def keep_light(rows: Sequence[StepRow], left: int = AT_ONCE) -> int:
    """Leave at most *left* folded steps inside others on the page; passes that are folded fetch theirs when needed.

    Returns how many may still be shown.
    """
    for one in (one for row in rows for one in row.passes):
        size = sum(1 for _row in _all(one.rows))
        if not one.is_open and size > left:
            one.later, one.rows = True, []
        else:
            left = keep_light(one.rows, left - len(one.rows))
    return left


def find_pass(rows: Sequence[StepRow], step_pk: int, number: int) -> PassRow | None:
    """The pass *number* of the step *step_pk*."""
    for row, _above in _all(rows):
        if row.result is not None and row.result.pk == step_pk:
            return next((one for one in row.passes if one.number == number), None)
    return None
