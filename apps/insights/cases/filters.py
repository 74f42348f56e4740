"""The filters of the list of cases; all of them live in the URL."""

from typing import Any

from django import forms
from django.db.models import CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import TestCase
from apps.catalog.services import in_suites
from apps.core.states import State
from apps.environments.models import Environment
from apps.insights.readiness import Why, deciding_cases
from apps.runs.models import CaseRecord
from apps.systems.models import System

NEVER = "never"  # no result in the environment
ALL = "all"
SORTS = {
    "number": ("number",),
    "title": ("title", "number"),
    "priority": ("priority", "number"),
    "changed": ("updated_at", "number"),
    "last": ("last_at", "number"),
}
STATES = (State.FAILED, State.BLOCKED, State.PASSED, State.SKIPPED, State.CANCELLED)


class CaseFilter(forms.Form):
    """Filters of the list; a value that is not offered filters nothing."""

    q = forms.CharField(label=_("Find"), required=False, max_length=100)
    suite = forms.IntegerField(required=False, min_value=0, max_value=2**31, widget=forms.HiddenInput)
    state = forms.ChoiceField(label=_("Last result"), required=False)
    environment = forms.ChoiceField(label=_("in"), required=False)
    priority = forms.ChoiceField(label=_("Priority"), required=False)
    tag = forms.ChoiceField(label=_("Tag"), required=False)
    mode = forms.ChoiceField(label=_("Mode"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False)
    release = forms.ChoiceField(label=_("Release"), required=False)

    rare = ("mode", "status", "release")  # offered under "More" until they are set

    def __init__(self, data: Any, system: System, environments: list[Environment]) -> None:
        super().__init__(data)
        words = [(priority.name.lower(), priority.label) for priority in reversed(TestCase.Priority)]
        offered: dict[str, list[tuple[str, Any]]] = {
            "state": [*((state.value, state.label) for state in STATES), (NEVER, _("Never run"))],
            "priority": words,
            "tag": [(tag, tag) for tag in tags_of(system)],
            "mode": list(TestCase.Mode.choices),
            "status": [*TestCase.Status.choices, (ALL, _("All"))],
            "release": [(Why.CASES_FAILING.value, _("Speaks against")), (Why.CASES_MISSING.value, _("No evidence"))],
        }
        for name, choices in offered.items():
            self.fields[name].choices = [("", _("Any")), *choices]  # type: ignore[attr-defined]
        self.fields["status"].choices[0] = ("", _("Not archived"))  # type: ignore[attr-defined]
        shown = [(environment.slug, environment.name) for environment in environments]
        self.fields["environment"].choices = [("", shown[0][1]), *shown[1:]] if shown else []  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """The filters that are set."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}


def tags_of(system: System) -> list[str]:
    """All tags of the system's cases, in order."""
    used = TestCase.objects.filter(system=system).exclude(tags=[]).order_by()
    tags = used.values_list(Func(F("tags"), function="unnest", output_field=CharField()), flat=True).distinct()
    return sorted(tags)


def matching(system: System, chosen: dict[str, Any], environment: Environment | None) -> QuerySet[TestCase]:
    """Cases of *system* under the *chosen* filters; results are those in *environment*."""
    found: QuerySet[TestCase] = TestCase.objects.filter(system=system)
    if (status := chosen.get("status")) != ALL:
        found = found.filter(status=status) if status else found.exclude(status=TestCase.Status.ARCHIVED)
    if suite := chosen.get("suite"):
        found = found.filter(in_suites([suite]))
    if priority := chosen.get("priority"):
        found = found.filter(priority=TestCase.Priority[priority.upper()])
    if mode := chosen.get("mode"):
        found = found.filter(mode=mode)
    if tag := chosen.get("tag"):
        found = found.filter(tags__contains=[tag])
    if text := chosen.get("q"):
        found = found.filter(_holds(text))
    if (release := chosen.get("release")) and environment is not None:
        found = found.filter(pk__in=deciding_cases(Why(release), environment))
    if state := chosen.get("state"):
        records = CaseRecord.objects.filter(case=OuterRef("pk"), environment=environment)
        found = found.filter(~Exists(records) if state == NEVER else Exists(records.filter(state=state)))
    return found


def _holds(text: str) -> Q:
    """Every word stands in the title, or is a tag; ``C12`` and ``12`` name a case, too."""
    number = text.strip().upper().removeprefix("C")
    if number.isdecimal() and len(number) < 9:
        return Q(number=int(number)) | Q(title__icontains=text.strip())
    found = Q()
    for word in text.split():
        found &= Q(title__icontains=word) | Q(tags__contains=[word])
    return found


def is_sort(wanted: str) -> bool:
    """Whether *wanted* (``title``, ``-title``, …) is an order of the list."""
    return wanted.removeprefix("-") in SORTS


def in_order(cases: QuerySet[TestCase], wanted: str, environment: Environment | None) -> QuerySet[TestCase]:
    """*cases* in the order *wanted*; what has no value comes last."""
    name = wanted.removeprefix("-") if is_sort(wanted) else "number"
    if name == "last":
        at = CaseRecord.objects.filter(case=OuterRef("pk"), environment=environment).values("last_at")[:1]
        cases = cases.annotate(last_at=at) if environment else cases.annotate(last_at=Value(None))
    first, *rest = SORTS[name]
    order = F(first).desc(nulls_last=True) if wanted.startswith("-") else F(first).asc(nulls_last=True)
    return cases.order_by(order, *rest)
