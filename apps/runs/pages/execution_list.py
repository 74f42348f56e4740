"""All executions of a run: by state, reason or title, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import QueryDict

from apps.core.states import State
from apps.runs.models import Execution, TestRun
from apps.runs.pages.groups import with_strips
from apps.runs.pages.people import ME, NOBODY, of_person
from apps.runs.pages.progress import counts

PAGE = 50
TITLE_LIMIT = 200
FLAKY = "flaky"  # as a state in the filter: passed, after an attempt that failed


@dataclass(frozen=True)
class ListFilter:
    """What the reader asked for; unknown values ask for nothing."""

    state: str = ""
    title: str = ""
    group: int | None = None
    who: str = ""  # ``me``, ``nobody``, or the id of a person who was asked to do it

    @classmethod
    def of(cls, query: QueryDict) -> "ListFilter":
        state, group, who = query.get("state", ""), query.get("group", ""), query.get("who", "")
        return cls(
            state=state if state in State.values or state == FLAKY else "",
            title=query.get("q", "").strip()[:TITLE_LIMIT],
            group=int(group) if group.isdecimal() and len(group) < 19 else None,
            who=who if who in (ME, NOBODY) or (who.isdecimal() and len(who) < 19) else "",
        )


class CountedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that was told how many rows there are, where the run's own counts say so."""

    def __init__(self, rows: Any, size: int, known: int | None) -> None:
        super().__init__(rows, size)
        if known is not None:
            self.__dict__["count"] = known


def executions(run: TestRun, chosen: ListFilter, user: Any) -> QuerySet[Execution]:
    """Executions of *run* under the filter, in the run's order, without their long columns."""
    found = Execution.objects.filter(run=run).select_related("case", "assigned_to")
    found = found.defer("row", "resume_captured").order_by("position")
    if chosen.state == FLAKY:
        found = found.flaky()
    elif chosen.state:
        found = found.filter(state=chosen.state)
    if chosen.title:
        found = found.filter(title__icontains=chosen.title)
    if chosen.group is not None:
        found = found.filter(failure_group=chosen.group)
    return of_person(found, chosen.who, user) if chosen.who else found


def page(run: TestRun, chosen: ListFilter, number: str, user: Any) -> Any:
    """One page of executions, each with its case's ``strip``."""
    found = CountedPaginator(executions(run, chosen, user), PAGE, _known_count(run, chosen)).get_page(number)
    found.object_list = with_strips(list(found.object_list), run.environment_id)
    return found


def ids_of(rows: Sequence[Execution]) -> str:
    """First and last id of *rows*, as the live stream takes it: ``17-66``; "" for none."""
    ids = [row.pk for row in rows]
    return f"{min(ids)}-{max(ids)}" if ids else ""


def _known_count(run: TestRun, chosen: ListFilter) -> int | None:
    if chosen.title or chosen.who or chosen.group is not None:
        return None
    if not chosen.state:
        return run.total
    # Queued and running are counted together in the run: only the rows can tell them apart.
    return None if chosen.state in (State.QUEUED, State.RUNNING, FLAKY) else counts(run).get(chosen.state, 0)
