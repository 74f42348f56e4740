"""What happened last in a system: runs that began or ended, defects that moved or were talked about."""

from dataclasses import dataclass
from datetime import datetime

from apps.defects.models import Defect, DefectEvent
from apps.defects.services import describe
from apps.runs.models import TestRun
from apps.systems.models import System

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Activity:
    """Either a run, when it ended or else began, or an event of a defect."""

    at: datetime
    run: TestRun | None = None
    event: DefectEvent | None = None

    @property
    def words(self) -> str:
        """What the event was, to follow the name of who did it."""
        return describe(self.event) if self.event else ""


def recent(system: System) -> list[Activity]:
    """The last ten, newest first; three queries, each by an index."""
    newest = TestRun.objects.filter(system=system).select_related("environment", "started_by").order_by("-pk")
    runs = [Activity(run.finished_at or run.created_at, run=run) for run in newest[:SHOWN]]
    touched = Defect.objects.filter(system=system).order_by("-updated_at").values_list("pk", flat=True)[:SHOWN]
    told = (
        DefectEvent.objects.filter(defect__in=list(touched))
        .exclude(kind=DefectEvent.Kind.CHANGED)
        .select_related("defect", "actor", "run", "execution")
        .order_by("-pk")
    )
    events = [Activity(event.at, event=event) for event in told[:SHOWN]]
    return sorted([*runs, *events], key=lambda one: one.at, reverse=True)[:SHOWN]
