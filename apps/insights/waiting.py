"""What waits for one person in a system: manual executions, retests to do, mentions, defects to solve."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.core.states import State
from apps.defects.models import Defect, Mention
from apps.runs.models import Execution, TestRun
from apps.systems.models import System

SHOWN = 5  # of each kind; how many there are is told


@dataclass(frozen=True, slots=True)
class Waiting:
    """The first few of each kind, the one that waits longest first, and how many there are of it."""

    manual: Sequence[Execution]
    manual_count: int
    retests: Sequence[Defect]
    retest_count: int
    mentions: Sequence[Mention]
    mention_count: int
    owned: Sequence[Defect]
    owned_count: int

    @property
    def total(self) -> int:
        return self.manual_count + self.retest_count + self.mention_count + self.owned_count


def waiting_for(user: Any, system: System) -> Waiting:
    """Executions that wait for a person and are *user*'s or nobody's; defects said to be fixed that *user* owns or
    reported; comments that name *user* and were not read; defects to solve that *user* owns. Four queries, and one
    more for each kind of which there are more than are shown.
    """
    manual = (
        Execution.objects.filter(
            Q(assigned_to=user.pk) | Q(assigned_to=None),
            run__system=system,
            run__phase__in=[TestRun.Phase.QUEUED, TestRun.Phase.RUNNING],
            state=State.WAITING,
        )
        .select_related("run__environment", "case")
        .order_by("assigned_to_id", "pk")  # what nobody has comes last
    )
    mine = Defect.objects.filter(system=system)
    fixed = mine.filter(Q(owner=user.pk) | Q(owner=None, reported_by=user.pk), state=Defect.State.FIXED)
    to_retest = fixed.exclude(retests__state="running").order_by("updated_at")
    mentions = (
        Mention.objects.filter(user=user.pk, seen_at=None, event__defect__system=system)
        .select_related("event__defect", "event__actor")
        .order_by("pk")
    )
    todo = (Defect.State.OPEN, Defect.State.IN_PROGRESS, Defect.State.REOPENED)
    owned = mine.filter(owner=user.pk, state__in=todo).order_by("-severity", "pk")
    return Waiting(*_first(manual), *_first(to_retest), *_first(mentions), *_first(owned))


def _first(rows: Any) -> tuple[list[Any], int]:
    shown = list(rows[: SHOWN + 1])
    return shown[:SHOWN], len(shown) if len(shown) <= SHOWN else rows.count()
