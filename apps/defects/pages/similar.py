"""Earlier defects that look like this one: the same reason, the same seam, or the same words."""

from dataclasses import dataclass

from django.contrib.postgres.search import SearchRank, SearchVector
from django.db.models import Case, Q, When
from django.utils.translation import gettext as _

from apps.defects.models import Defect
from apps.defects.words import CONFIG, any_word
from apps.runs.models import FailureGroup
from apps.systems.models import IntegrationPoint, System

MOST = 5
ALIKE = 0.0608 * 0.4  # rank from which words alone make a defect similar: ts_rank gives 0.0608 × the share in common
RANKED = 400  # newest defects whose words are compared: a page costs the same with any number of older ones


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
    """At most five defects of the system like this, the surest first; two queries at most."""
    others = Defect.objects.filter(system=system).exclude(pk=but.pk if but else None)
    others = others.select_related("root_cause").defer("description")
    same_group = Q(failure_group=group) if group else Q(pk=None)
    same_point = Q(point=point) if point else Q(pk=None)
    surest = Case(When(same_group, then=0), default=1)
    found = list(others.filter(same_group | same_point).order_by(surest, "-pk")[:MOST])
    query = any_word(title)
    if len(found) < MOST and query is not None:
        newest = Defect.objects.filter(system=system).order_by("-pk").values("pk")[:RANKED]
        rank = SearchRank(SearchVector("title", config=CONFIG), query)
        alike = others.filter(pk__in=newest).exclude(pk__in=[one.pk for one in found]).annotate(rank=rank)
        found += alike.filter(rank__gte=ALIKE).order_by("-rank", "-pk")[: MOST - len(found)]
    return [Similar(defect, _why(defect, group, point)) for defect in found]


def _why(defect: Defect, group: FailureGroup | None, point: IntegrationPoint | None) -> str:
    if group is not None and defect.failure_group_id == group.pk:
        return _("same failure")
    if point is not None and defect.point_id == point.pk:
        return _("same integration point")
    return _("similar words")
