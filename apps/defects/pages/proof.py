"""What shows that a defect is there, and what shows that it is gone, in the order in which it was seen."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.defects.models import Defect, DefectEvent, Evidence, Retest, RootCause
from apps.runs.models import Execution, TestRun
from apps.systems.models import Component

SHOWN = 4  # executions named for each run
MOST = 300  # pieces of evidence read for one page


@dataclass(slots=True)
class Seen:
    """A run in which the defect failed, or a retest."""

    at: datetime
    run: TestRun
    version: str
    retest: Retest | None = None
    failing: list[Execution] = field(default_factory=list)
    passing: int = 0

    @property
    def shown(self) -> list[Execution]:
        return self.failing[:SHOWN]

    @property
    def rest(self) -> int:
        return max(len(self.failing) - SHOWN, 0)

    @property
    def tone(self) -> str:
        """Mark of ``apps.core.states``: what this says of the defect."""
        if self.retest is None:
            return "failed"
        tones = {"running": "running", "passed": "passed", "failed": "failed", "inconclusive": "skipped"}
        return tones[self.retest.state]


@dataclass(slots=True)
class Moved:
    """The defect went from one state to another."""

    at: datetime
    event: DefectEvent
    to: str
    tone: str


@dataclass(slots=True)
class Proof:
    """All of it, and what the head of the page sums up."""

    entries: list[Seen | Moved]
    failures: int
    environments: list[str]
    last_failure: Seen | None
    retest: Seen | None  # the newest
    fixed: DefectEvent | None  # the newest time somebody said so

    @property
    def retesting(self) -> Retest | None:
        """The retest that runs now."""
        newest = self.retest.retest if self.retest else None
        return newest if newest and newest.state == Retest.State.RUNNING else None

    @property
    def failed_since(self) -> bool:
        """Whether it failed after the retest that had passed: that one proves nothing any more."""
        if self.retest is None or self.last_failure is None or self.retest.retest is None:
            return False
        return self.retest.retest.state == Retest.State.PASSED and self.last_failure.at > self.retest.at


TONES = {
    "fixed": "waiting",
    "verified": "passed",
    "reopened": "failed",
    "rejected": "skipped",
    "in_progress": "running",
}


def proof(defect: Defect) -> Proof:
    """Evidence, retests and moves of *defect*, oldest first, in three queries."""
    seen = _seen(defect)
    moves = list(defect.events.filter(kind=DefectEvent.Kind.STATE).select_related("actor"))
    moved = [Moved(one.at, one, one.data["to"], TONES.get(one.data["to"], "unknown")) for one in moves]
    failing = [one for one in seen if one.failing]
    return Proof(
        entries=sorted([*seen, *moved], key=lambda entry: entry.at),
        failures=sum(len(one.failing) for one in seen),
        environments=list(dict.fromkeys(one.run.environment.name for one in failing)),
        last_failure=failing[-1] if failing else None,
        retest=next((one for one in reversed(seen) if one.retest), None),
        fixed=next((one for one in reversed(moves) if one.data["to"] == Defect.State.FIXED), None),
    )


def _seen(defect: Defect) -> list[Seen]:
    by_run: dict[int, list[Evidence]] = defaultdict(list)
    kept = defect.evidence.select_related("execution__case", "execution__run__environment").order_by("-pk")[:MOST]
    for one in kept:
        by_run[one.execution.run_id].append(one)
    retests = {one.run_id: one for one in defect.retests.select_related("run__environment", "requested_by")}
    entries = [_entry(defect, pieces, retests.pop(run_id, None)) for run_id, pieces in by_run.items()]
    entries += [_entry(defect, [], one) for one in retests.values()]
    return sorted(entries, key=lambda entry: entry.at)


def _entry(defect: Defect, pieces: Sequence[Evidence], retest: Retest | None) -> Seen:
    run = retest.run if retest else pieces[0].execution.run
    component = _suspect(defect)
    deployed = run.versions.get(component.slug) if component else None
    failing = [one.execution for one in pieces if one.kind == Evidence.Kind.FAILURE]
    ended = [one.execution.finished_at for one in pieces if one.execution.finished_at]
    return Seen(
        at=(retest.finished_at or retest.created_at) if retest else min(ended, default=run.created_at),
        run=run,
        version=f"{component} {deployed}" if deployed else "",
        retest=retest,
        failing=sorted(failing, key=lambda execution: execution.position),
        passing=len(pieces) - len(failing),
    )


def _suspect(defect: Defect) -> Component | None:
    """The component whose version the evidence is about: that of the fix, else of the cause, else the one it names."""
    if defect.fix_version:
        return defect.fix_version.component
    cause: RootCause | None = getattr(defect, "root_cause", None)
    return (cause and cause.component) or defect.component
