"""The list of defects: which, in what order, and errors that were seen without one."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import QueryDict

from apps.defects.filters import DefectFilter
from apps.defects.models import Defect, Evidence, Retest
from apps.runs.models import Execution, FailureGroup
from apps.systems.models import System

SORTS = {
    "severity": ["-severity", "-updated_at"],
    "updated": ["-updated_at"],
    "newest": ["-number"],
    "oldest": ["number"],
}
SHOWN_GROUPS = 8


def chosen(system: System, query: QueryDict, request: Any) -> DefectFilter:
    """The filter as the address says it; without a state, what is unsolved."""
    data = query.copy()
    data.setdefault("state", "unsolved")
    data.pop("system", None)
    return DefectFilter(data, Defect.objects.filter(system=system), request=request)


def rows(found: DefectFilter, sort: str) -> QuerySet[Any]:
    """Defects with all that a row shows, in one query."""
    failures = (
        Evidence.objects.filter(defect=OuterRef("pk"), kind=Evidence.Kind.FAILURE)
        .order_by()
        .values("defect")
        .annotate(number=Count("pk"))
        .values("number")
    )
    running = Retest.objects.filter(defect=OuterRef("pk"), state=Retest.State.RUNNING)
    listed: QuerySet[Any] = (
        found.qs.select_related("owner", "component", "point__provider", "point__consumer", "root_cause")
        .defer("description", "root_cause__explanation")
        .annotate(
            failures=Coalesce(Subquery(failures), 0),
            retesting=Exists(running),
        )
        .order_by(*SORTS.get(sort, SORTS["severity"]))
    )
    return listed


def counts(system: System, query: QueryDict, request: Any) -> dict[str, int]:
    """How many are unsolved and closed under the other filters: for the tabs."""
    data = query.copy()
    for name in ("state", "system"):
        data.pop(name, None)
    others = DefectFilter(data, Defect.objects.filter(system=system), request=request).qs
    unsolved = Q(state__in=Defect.UNSOLVED)
    counted: dict[str, int] = others.order_by().aggregate(
        unsolved=Count("pk", filter=unsolved), closed=Count("pk", filter=~unsolved)
    )
    return counted


def errors_seen(system: System, text: str) -> list[FailureGroup]:
    """Failures of the system whose message has every word of *text*, newest first: seen before, with or without a
    defect. Each has ``latest``, the id of an execution that shows it, and its ``defects`` prefetched."""
    words = text.replace("\x00", " ").split()[:8]
    if not words:
        return []
    latest = Execution.objects.filter(failure_group=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    groups = FailureGroup.objects.filter(system=system).select_related("point")
    for word in words:
        groups = groups.filter(Q(title__icontains=word) | Q(point__slug__icontains=word))
    return list(groups.annotate(latest=Subquery(latest)).prefetch_related("defects")[:SHOWN_GROUPS])
