"""What defects can be filtered by, in the list and by the API; every filter is declared here."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.defects.models import Defect, RootCause
from apps.defects.transitions import CLOSED
from apps.defects.words import CAUSE_WORDS, DEFECT_WORDS, all_words
from apps.environments.models import Environment

SEVERITIES = {severity.name.lower(): severity for severity in Defect.Severity}
SEVERITY_CHOICES = [(name, severity.label) for name, severity in reversed(SEVERITIES.items())]
STATE_CHOICES = [("unsolved", _("Unsolved")), ("closed", _("Closed")), *Defect.State.choices]
GROUPS = {"unsolved": Defect.UNSOLVED, "closed": CLOSED}


class DefectFilter(django_filters.FilterSet):  # type: ignore[misc]
    """``state`` may be one state, ``unsolved`` or ``closed``; ``owner`` an e-mail address, ``me`` or ``none``."""

    system = django_filters.CharFilter(field_name="system__slug")
    state = django_filters.ChoiceFilter(choices=STATE_CHOICES, method="in_state")
    severity = django_filters.ChoiceFilter(choices=SEVERITY_CHOICES, method="of_severity")
    min_severity = django_filters.ChoiceFilter(choices=SEVERITY_CHOICES, method="at_least")
    owner = django_filters.CharFilter(method="owned_by")
    component = django_filters.CharFilter(field_name="component__slug")
    point = django_filters.CharFilter(field_name="point__slug")
    environment = django_filters.CharFilter(method="seen_in")
    q = django_filters.CharFilter(method="with_words")

    class Meta:
        model = Defect
        fields: list[str] = []

    def in_state(self, defects: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return defects.filter(state__in=GROUPS.get(value, (value,)))

    def of_severity(self, defects: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return defects.filter(severity=SEVERITIES[value])

    def at_least(self, defects: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return defects.filter(severity__gte=SEVERITIES[value])

    def owned_by(self, defects: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        if value == "none":
            return defects.filter(owner=None)
        return defects.filter(owner=self.request.user.pk) if value == "me" else defects.filter(owner__email=value)

    def seen_in(self, defects: Any, _name: str, value: str) -> QuerySet[Any]:
        """Failed as evidence in an environment of that name, whatever the system."""
        places = Environment.objects.filter(slug=value).values("pk")
        found: QuerySet[Any] = defects.failing_in(places)
        return found

    def with_words(self, defects: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return matching(defects, value)


def matching(defects: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Those with every word of *text* in title, description or root cause, or with that key (``D12``)."""
    key = text.strip().lower().removeprefix("d")
    if key.isdecimal() and len(key) < 10:
        return defects.filter(number=int(key))
    query = all_words(text)
    if query is None:
        return defects
    told = Defect.objects.annotate(words=DEFECT_WORDS).filter(words=query).values("pk")
    explained = RootCause.objects.annotate(words=CAUSE_WORDS).filter(words=query).values("defect")
    return defects.filter(Q(pk__in=told) | Q(pk__in=explained))
