"""The manual work of a run: who has how much of it, and how far they are."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.catalog.models import TestCase
from apps.core.states import FINAL, State
from apps.runs.models import Execution, TestRun

ME, NOBODY = "me", "nobody"  # in the address, instead of a person's id


@dataclass(frozen=True)
class Share:
    """One person's part of the manual work; *name* empty for what nobody has."""

    person: int | None
    name: str
    total: int
    done: int
    waiting: int

    @property
    def who(self) -> str:
        """As the list's filter says it."""
        return str(self.person) if self.person else NOBODY

    @property
    def left(self) -> int:
        """Executions without a result."""
        return self.total - self.done


def of_person(executions: QuerySet[Execution], who: str, user: Any) -> QuerySet[Execution]:
    """Those that *who* (an id, ``me`` for *user*, ``nobody``) was asked to do; of nobody's those that need a person."""
    if who == NOBODY:
        return executions.filter(assigned_to=None, case__mode__in=TestCase.BY_PERSON)
    return executions.filter(assigned_to=user.pk if who == ME else int(who))


def manual_work(run: TestRun) -> list[Share]:
    """Who has how much of the manual work of *run*, by name, what nobody has last; one query."""
    found = Execution.objects.filter(run=run, case__mode__in=TestCase.BY_PERSON).order_by()
    counted = found.values("assigned_to", "assigned_to__name").annotate(
        total=Count("pk"),
        done=Count("pk", filter=Q(state__in=FINAL)),
        waiting=Count("pk", filter=Q(state=State.WAITING)),
    )
    shares = [
        Share(row["assigned_to"], row["assigned_to__name"] or "", row["total"], row["done"], row["waiting"])
        for row in counted
    ]
    return sorted(shares, key=lambda share: (share.person is None, share.name))
