"""Whether a run of the demo plan went as the demo designs it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.core.states import NOT_PASSED, State
from apps.defects.models import Defect
from apps.defects.services import open_defect
from apps.runs import histogram
from apps.runs.models import Execution, FailureGroup, StepResult, TestRun

BY_DESIGN = "fails-by-design"


@dataclass(frozen=True, slots=True)
class Designed:
    """Counts of a run, and what in it is not as designed, in words."""

    cases: int
    failed_as_designed: int
    surprises: list[str]


def executable_here(cases: Iterable[TestCase]) -> list[TestCase]:
    """Those of *cases* that the worker of an embedded start may execute: browser steps only where Chromium is."""
    return [case for case in cases if set(case.needs) <= set(settings.EXECUTION_ALLOW)]


def judge(run: TestRun) -> Designed:
    """Cases with the tag fail, manual and mixed ones wait for a person, all others pass."""
    executions = list(run.executions.select_related("case"))
    surprises = [text for execution in executions if (text := _surprise(execution))]
    by_design = [e for e in executions if BY_DESIGN in e.case.tags and e.state == State.FAILED]
    if not by_design:
        surprises.append("no case failed by design")
    return Designed(len({e.case_id for e in executions}), len(by_design), surprises)


def _surprise(execution: Execution) -> str:
    expected = State.PASSED
    if BY_DESIGN in execution.case.tags:
        expected = State.FAILED
    elif execution.case.mode != TestCase.Mode.AUTOMATED:
        expected = State.WAITING
    if execution.state == expected:
        return ""
    return f"{execution.case.key} “{execution.title}” is {execution.state}, not {expected}: {execution.message}"


def open_defects(run: TestRun, by: User) -> int:
    """A defect for each reason of failure that has none yet; returns how many the system has open from this run."""
    failed = run.executions.filter(state__in=NOT_PASSED, failure_group__isnull=False)
    for group in FailureGroup.objects.filter(executions__in=failed).distinct():
        if not Defect.objects.filter(failure_group=group, state__in=Defect.UNSOLVED).exists():
            execution = failed.filter(failure_group=group).order_by("position")[0]
            open_defect(execution, system=run.system, by=by)
    groups = failed.values("failure_group")
    return Defect.objects.filter(system=run.system, failure_group__in=groups, state__in=Defect.UNSOLVED).count()


def p95_by_point(run: TestRun) -> list[tuple[str, float]]:
    """95th percentile in ms of the run's steps at each integration point, slowest first."""
    latencies: dict[str, list[float]] = {}
    steps = StepResult.objects.filter(execution__run=run, point__isnull=False)
    for slug, timings in steps.values_list("point__slug", "timings"):
        if "total" in timings:
            latencies.setdefault(slug, []).append(timings["total"])
    ranked = ((slug, histogram.percentile(histogram.of(values), 0.95) or 0.0) for slug, values in latencies.items())
    return sorted(ranked, key=lambda row: -row[1])
