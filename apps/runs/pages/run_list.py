"""The list of runs of a system: filters in the URL, newest first."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.states import State
from apps.runs.models import Execution, TestRun
from apps.runs.pages.people import ME, NOBODY
from apps.systems.models import System

STATES = (
    State.RUNNING,
    State.WAITING,
    State.QUEUED,
    State.FAILED,
    State.BLOCKED,
    State.PASSED,
    State.SKIPPED,
    State.CANCELLED,
)


class RunFilter(forms.Form):
    """Filters of the list; a value that is not offered is an error of its field, and filters nothing."""

    state = forms.ChoiceField(label=_("State"), required=False)
    environment = forms.ChoiceField(label=_("Environment"), required=False)
    plan = forms.ChoiceField(label=_("Plan"), required=False)
    by = forms.ChoiceField(label=_("Started by"), required=False)
    trigger = forms.ChoiceField(label=_("Trigger"), required=False)

    def __init__(self, data: Any, system: System) -> None:
        super().__init__(data)
        members = User.objects.filter(teams=system.team_id).order_by("name").values_list("pk", "name")
        offered: dict[str, list[tuple[str, Any]]] = {
            "state": [(state.value, state.label) for state in STATES],
            "environment": list(system.environments.values_list("slug", "name")),
            "plan": list(system.plans.values_list("slug", "name")),
            "by": [(ME, _("Me")), *((str(pk), name) for pk, name in members)],
            "trigger": list(TestRun.Trigger.choices),
        }
        for name, choices in offered.items():
            field = self.fields[name]
            field.choices = [("", _("Any")), *choices]  # type: ignore[attr-defined]
            field.widget.attrs["class"] = "form-select form-select-sm"

    def chosen(self) -> dict[str, str]:
        """The filters that are set."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


@dataclass(frozen=True)
class Waiting:
    """Executions that wait for a person in a system, and how many there are: of all, the reader's, nobody's."""

    executions: QuerySet[Execution]
    total: int
    mine: int
    nobodys: int
    who: str


def runs(system: System, chosen: dict[str, str], user: Any) -> QuerySet[TestRun]:
    """Runs of *system* under the *chosen* filters, newest first, with all that a row shows."""
    found: QuerySet[TestRun] = TestRun.objects.filter(system=system).select_related("environment", "plan", "started_by")
    if state := chosen.get("state"):
        found = in_state(found, state)
    if environment := chosen.get("environment"):
        found = found.filter(environment__slug=environment)
    if plan := chosen.get("plan"):
        found = found.filter(plan__slug=plan)
    if by := chosen.get("by"):
        found = found.filter(started_by=user.pk if by == ME else int(by))
    if trigger := chosen.get("trigger"):
        found = found.filter(trigger=trigger)
    return found.order_by("-pk")


def in_state(runs: QuerySet[TestRun], state: str) -> QuerySet[TestRun]:
    """Runs that a reader calls *state*: the verdict of ended ones, else how they are going."""
    if state == State.WAITING:
        return runs.filter(phase=TestRun.Phase.RUNNING, waiting__gt=0)
    if state in (State.RUNNING, State.QUEUED):
        return runs.filter(phase=state)
    return runs.filter(verdict=state)


def waiting(system: System, user: Any, who: str = "") -> Waiting:
    """What waits for a person in *system*, longest first; *who* is ``me``, ``nobody`` or empty for all."""
    every = Execution.objects.filter(run__system=system, state=State.WAITING)
    counts = every.aggregate(
        total=Count("pk"),
        mine=Count("pk", filter=Q(assigned_to=user.pk)),
        nobodys=Count("pk", filter=Q(assigned_to=None)),
    )
    who = who if who in (ME, NOBODY) else ""
    found = every.filter(assigned_to=user.pk if who == ME else None) if who else every
    return Waiting(found.select_related("run__environment", "case", "assigned_to").order_by("pk"), who=who, **counts)
