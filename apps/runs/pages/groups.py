"""Why a run failed: its failures grouped by reason, and whether each reason is new."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from apps.core.states import NOT_PASSED, State
from apps.runs.failures import shortened, signature
from apps.runs.models import CaseRecord, Execution, FailureGroup, StepResult, TestRun

SHOWN = 10  # reasons on the page
SAMPLES = 3  # executions shown of each reason
READ = 1_000  # failed steps that are looked through for what was said
UNSOLVED = frozenset({"open", "in_progress", "fixed"})  # states of apps.defects, which this app may not import
VERIFIED, REOPENED = "verified", "reopened"


@dataclass(frozen=True)
class Novelty:
    """Whether a reason is new: a word, an icon, a tone, what it means, and its *rank*: 0 is looked at first."""

    rank: int
    name: str
    label: Any
    icon: str
    tone: str
    meaning: Any


NEW = Novelty(0, "new", _("New"), "sparkles", "new", _("Seen for the first time in this run"))
KNOWN = Novelty(2, "known", _("Known"), "bug", "known", _("A defect for it is being worked on"))
REGRESSION = Novelty(0, "regression", _("Regression"), "rotate", "regression", _("Came back after it had been fixed"))
FIXED = Novelty(3, "fixed", _("Fixed since"), "shield-check", "fixed", _("Its defect has been verified after this run"))
SEEN = Novelty(1, "seen", _("Seen before"), "history", "seen", _("Happened in earlier runs; there is no defect for it"))


@dataclass
class Reason:
    """One reason why executions of a run did not pass."""

    group: FailureGroup | None
    failed: int
    blocked: int
    defects: list[Any]
    novelty: Novelty
    samples: list[Execution] = field(default_factory=list)
    said: str = ""  # in this run

    @property
    def title(self) -> str:
        """What was wrong, with the numbers of this run: the group has the words of its last occurrence."""
        return (self.said or self.group.title) if self.group else ""

    @property
    def count(self) -> int:
        return self.failed + self.blocked

    @property
    def state(self) -> str:
        return State.FAILED if self.failed else State.BLOCKED

    @property
    def rest(self) -> int:
        """Executions of this reason that are not among the samples."""
        return self.count - len(self.samples)


def novelty(group: FailureGroup, defects: Iterable[Any], run: TestRun) -> Novelty:
    """What *group* means in *run*; *defects* are those linked to it, in any state."""
    states = set()
    for defect in defects:
        if defect.state == VERIFIED and defect.closed_at and defect.closed_at < run.created_at:
            return REGRESSION
        states.add(defect.state)
    if REOPENED in states:
        return REGRESSION
    if states & UNSOLVED:
        return KNOWN
    if VERIFIED in states:
        return FIXED
    return NEW if group.first_seen >= run.created_at else SEEN


def reasons(run: TestRun) -> tuple[list[Reason], int]:
    """The most frequent reasons of *run* with sample executions, new ones first, and how many more there are."""
    failed = Execution.objects.filter(run=run).failed()
    counted = list(
        failed.order_by()
        .values("failure_group")
        .annotate(failed=Count("pk", filter=Q(state=State.FAILED)), blocked=Count("pk", filter=Q(state=State.BLOCKED)))
        .order_by(-(F("failed") + F("blocked")), "failure_group")
    )
    shown = counted[:SHOWN]
    groups = _groups(row["failure_group"] for row in shown)
    samples = _samples(failed, run.environment_id, [row["failure_group"] for row in shown])
    said = _said(groups, samples)
    found = []
    for row in shown:
        key = row["failure_group"]
        group = groups.get(key)
        defects = list(group.defects.all()) if group else []
        mark = novelty(group, defects, run) if group else SEEN
        counts = row["failed"], row["blocked"]
        found.append(Reason(group, *counts, defects, mark, samples.get(key, []), said.get(key, "")))
    found.sort(key=lambda reason: reason.novelty.rank)  # stable: the most frequent first within a rank
    return found, len(counted) - len(shown)


def _groups(ids: Iterable[int | None]) -> dict[int | None, FailureGroup]:
    wanted = [pk for pk in ids if pk is not None]
    found = FailureGroup.objects.filter(pk__in=wanted).select_related("point").prefetch_related("defects")
    return {group.pk: group for group in found}


def _samples(
    failed: QuerySet[Execution], environment_id: int, groups: Sequence[int | None]
) -> dict[int | None, list[Execution]]:
    named = [pk for pk in groups if pk is not None]
    wanted = Q(failure_group__in=named) | (Q(failure_group__isnull=True) if None in groups else Q(pk__in=[]))
    nth = Window(RowNumber(), partition_by=[F("failure_group_id")], order_by="position")
    rows = failed.filter(wanted).annotate(nth=nth).filter(nth__lte=SAMPLES).select_related("case").defer("row")
    grouped: dict[int | None, list[Execution]] = defaultdict(list)
    for execution in with_strips(list(rows.order_by("position")), environment_id):
        grouped[execution.failure_group_id].append(execution)
    return grouped


def _said(
    groups: Mapping[int | None, FailureGroup], samples: Mapping[int | None, list[Execution]]
) -> dict[int | None, str]:
    """What the step said that decided against the first sample of each group: it is the one with its signature."""
    firsts = {found[0].pk: groups[key] for key, found in samples.items() if key in groups}
    steps = StepResult.objects.filter(
        execution__in=firsts, attempt=F("execution__attempt"), state__in=NOT_PASSED
    ).order_by("phase", "position", "path")
    said: dict[int | None, str] = {}
    for step in steps.values_list("execution", "kind", "point__slug", "name", "message")[:READ]:
        execution, kind, point, name, message = step
        group = firsts[execution]
        if message and signature(kind, point or name, message) == group.signature:
            said.setdefault(group.pk, shortened(message))
    return said


def with_strips(executions: list[Execution], environment_id: int) -> list[Execution]:
    """The same executions with ``strip``: the last results of their case in the environment."""
    records = CaseRecord.objects.filter(environment=environment_id, case__in={e.case_id for e in executions})
    strips = dict(records.values_list("case_id", "strip"))
    for execution in executions:
        execution.strip = strips.get(execution.case_id, "")  # type: ignore[attr-defined]
    return executions
