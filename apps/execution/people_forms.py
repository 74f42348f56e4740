"""Forms of manual work: a person's verdict, and who does it."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import testers_of
from apps.accounts.models import User
from apps.core.states import State
from apps.execution.services import VERDICTS, Asked
from apps.systems.models import System

NOTE = 20_000  # characters
_ASKED = re.compile(r"(\d{1,18}):(\d{1,5}):(\d{1,5})")


class NoteMixin(forms.Form):
    """A verdict and its note, which those against the system need."""

    verdict = forms.ChoiceField(choices=[(state.value, state.label) for state in VERDICTS], label=_("Verdict"))
    note = forms.CharField(max_length=NOTE, required=False, label=_("Note"))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("verdict") in (State.FAILED, State.BLOCKED) and not data.get("note", "").strip():
            self.add_error("note", _("Say what you saw: the next person reads this."))
        return data


class VerdictForm(NoteMixin):
    """A person's verdict on one manual step; *attempt* and *step* (index from 0) say on which.

    *seconds* is how long the person worked on it.
    """

    attempt = forms.IntegerField(min_value=0, max_value=32_767)
    step = forms.IntegerField(min_value=0, max_value=32_767)
    seconds = forms.IntegerField(min_value=0, max_value=2_147_483_647, required=False)


class AskedField(forms.MultipleChoiceField):
    """Executions that were chosen in a list, each as ``id:attempt:step`` with the step for which it waited then."""

    widget = forms.MultipleHiddenInput

    def valid_value(self, value: str) -> bool:
        return _ASKED.fullmatch(value) is not None

    def clean(self, value: Any) -> list[Asked]:
        chosen = [[int(part) for part in text.split(":")] for text in dict.fromkeys(super().clean(value))]
        return [Asked(execution=pk, attempt=attempt, step=step) for pk, attempt, step in chosen]


class ChosenForm(forms.Form):
    """Executions chosen in the list of a run."""

    execution = AskedField(error_messages={"required": _("Choose executions first.")})

    @property
    def ids(self) -> list[int]:
        """Their ids; after ``is_valid``."""
        return [one.execution for one in self.cleaned_data["execution"]]


class VerdictsForm(ChosenForm, NoteMixin):
    """One verdict on all that were chosen."""


class AssignForm(forms.Form):
    """Who does a manual execution; empty for nobody."""

    user = forms.ModelChoiceField(User.objects.none(), required=False, label=_("Assigned to"))

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = testers_of(system.team_id)  # type: ignore[attr-defined]


class AssignChosenForm(ChosenForm, AssignForm):
    """Who does the chosen executions."""


class SplitForm(forms.Form):
    """Among whom the manual work of a run is shared, and how."""

    people = forms.ModelMultipleChoiceField(
        User.objects.none(), label=_("People"), error_messages={"required": _("Choose at least one person.")}
    )
    how = forms.ChoiceField(choices=[("evenly", _("Evenly")), ("suite", _("By suite"))], initial="evenly")
    again = forms.BooleanField(required=False, label=_("Share out again what somebody has already"))

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["people"].queryset = testers_of(system.team_id)  # type: ignore[attr-defined]


def first_error(form: forms.Form) -> tuple[str, list[dict[str, str]]]:
    """What to tell of a form that is not valid, and the same by field."""
    errors = [{"field": name, "detail": str(text)} for name, found in form.errors.items() for text in found]
    return (errors[0]["detail"] if errors else _now("This is not valid."), errors)
