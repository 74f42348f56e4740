"""Form of a run to start."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import RunPriority, TestCase, TestPlan
from apps.catalog.services import cases_of
from apps.core.forms import CheckList, RefusableMixin
from apps.environments.models import Environment
from apps.systems.models import System

CASES = 2_000  # chosen one by one


class StartForm(RefusableMixin, forms.Form):
    """A plan, or cases by their numbers, and the environments to run them in: a run for each."""

    plan = forms.ModelChoiceField(
        TestPlan.objects.none(), to_field_name="slug", required=False, label=_("Plan"), empty_label=_("Choose…")
    )
    case = forms.ModelMultipleChoiceField(
        TestCase.objects.none(),
        to_field_name="number",
        required=False,
        label=_("Cases"),
        widget=forms.MultipleHiddenInput,
    )
    environment = forms.ModelMultipleChoiceField(
        Environment.objects.none(),
        to_field_name="slug",
        label=_("Environments"),
        widget=CheckList,
    )
    priority = forms.ChoiceField(
        choices=[("", _("as usual")), *RunPriority.choices], required=False, label=_("Priority"), initial=""
    )

    any_versions = forms.BooleanField(required=False, label=_("Run all the same, with the versions that are deployed"))

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        querysets = {
            "plan": system.plans.all(),
            "case": system.cases.filter(status=TestCase.Status.ACTIVE),
            "environment": system.environments.all(),
        }
        for name, queryset in querysets.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]
        self.fields["plan"].required = not self.data.get("case")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        chosen = list(data.get("case") or [])
        if bool(chosen) == bool(data.get("plan")) and not self.errors:
            self.add_error("plan", _("Choose a plan, or cases: one of the two."))
        if len(chosen) > CASES:
            self.add_error("case", _("These are too many cases to choose one by one: make a plan of them."))
        return data

    @property
    def cases(self) -> list[TestCase]:
        """The cases to run; after ``is_valid``."""
        plan = self.cleaned_data.get("plan")
        return list(cases_of(plan) if plan else self.cleaned_data["case"])
