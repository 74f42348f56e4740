"""Earlier defects that look like this one: the same reason, the same seam, or the same words."""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchRank, SearchVector
from django.db.models import BooleanField, Case, F, FloatField, Q, Value, When
from django.utils.translation import gettext as _

from apps.defects.models import Defect
from apps.defects.words import CONFIG, any_word
from apps.runs.models import FailureGroup
from apps.systems.models import IntegrationPoint, System

MOST = 5
ALIKE = 0.0608 * 0.4  # rank from which words alone make a defect similar: ts_rank gives 0.0608 × the share in common
CANDIDATES = 2_000  # newest defects that are ranked; a page costs the same with any number of older ones


@dataclass(frozen=True, slots=True)
class Similar:
    """A defect and why it is here."""

    defect: Defect
    why: str


def similar(
    system: System,
    *,
    title: str,
    group: FailureGroup | None,
    point: IntegrationPoint | None,
    but: Defect | None = None,
) -> list[Similar]:
    """At most five defects of the system like this, the surest first."""
    newest = Defect.objects.filter(system=system).order_by("-pk").values("pk")[:CANDIDATES]
    ranked = (
        Defect.objects.filter(pk__in=newest)
        .exclude(pk=but.pk if but else None)
        .annotate(same_group=_same("failure_group", group), same_point=_same("point", point), rank=_rank(title))
        .filter(Q(same_group=True) | Q(same_point=True) | Q(rank__gte=ALIKE))
        .select_related("root_cause")
        .order_by("-same_group", (F("rank") + Case(When(same_point=True, then=0.05), default=0.0)).desc(), "-pk")
    )
    return [Similar(defect, _why(defect)) for defect in ranked[:MOST]]


def _same(field: str, row: Any) -> Any:
    if row is None:
        return Value(value=False, output_field=BooleanField())
    return Case(When(**{field: row.pk}, then=True), default=False, output_field=BooleanField())


def _rank(title: str) -> Any:
    query = any_word(title)
    if query is None:
        return Value(0.0, output_field=FloatField())
    return SearchRank(SearchVector("title", config=CONFIG), query)


def _why(defect: Any) -> str:
    if defect.same_group:
        return _("same failure")
    return _("same integration point") if defect.same_point else _("similar words")
