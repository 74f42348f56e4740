"""Forms of defects; what they accept is stored by the services."""

from typing import Any
from zlib import crc32

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.forms import RefusableMixin
from apps.defects.models import Defect, RootCause
from apps.environments.models import Environment
from apps.systems.models import ComponentVersion, System


class DefectForm(RefusableMixin, forms.ModelForm[Defect]):
    """What a defect says; components, points and people are those of *system*."""

    class Meta:
        model = Defect
        fields = ["title", "severity", "component", "point", "owner", "description"]
        widgets = {
            "title": forms.TextInput(attrs={"autofocus": True}),
            "description": forms.Textarea(attrs={"rows": 14, "maxlength": 20_000}),
        }
        help_texts = {"description": _("Markdown. What happens, what should happen, how to see it.")}

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "component", system.components.all(), _("None"))
        _offer(self, "point", system.points.select_related("consumer", "provider"), _("None"))
        _offer(self, "owner", members(system), _("Nobody"))

    @property
    def values(self) -> dict[str, Any]:
        """The accepted values by name."""
        return dict(self.cleaned_data)


class EditForm(DefectForm):
    """The same without the owner, who is set beside the description.

    ``seen`` says what each field was when the form was opened: only what the reader changed is stored, and what
    somebody else changed meanwhile, too, is shown once before it is replaced.
    """

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta(DefectForm.Meta):
        fields = ["title", "severity", "component", "point", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = {name: getattr(self.instance, name) for name in self.Meta.fields}
        self._untouched: set[str] = set()
        self.initial["seen"] = ".".join(_mark(value) for value in self._stored.values())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        seen = dict(zip(self.Meta.fields, data.pop("seen", "").split("."), strict=False))
        sent = {name: _mark(data[name]) for name in self.Meta.fields if name in data and seen.get(name)}
        self._untouched = {name for name, mark in sent.items() if mark == seen[name]}
        for name in sent.keys() - self._untouched:
            if _mark(self._stored[name]) not in (seen[name], sent[name]):
                seen[name] = _mark(self._stored[name])
                self._show_theirs(name)
        typed: Any = self.data
        self.data = typed = typed.copy()
        typed["seen"] = ".".join(seen.values())
        return data

    def _show_theirs(self, name: str) -> None:
        words = {"now": _shown(self._stored[name])}
        self.add_error(name, _("Somebody changed this while you wrote: “%(now)s”. Save again to replace it.") % words)

    @property
    def values(self) -> dict[str, Any]:
        """What the reader changed."""
        return {name: value for name, value in self.cleaned_data.items() if name not in self._untouched}


class RootCauseForm(RefusableMixin, forms.ModelForm[RootCause]):
    class Meta:
        model = RootCause
        fields = ["category", "component", "explanation"]
        widgets = {"explanation": forms.Textarea(attrs={"rows": 5, "maxlength": 20_000})}
        help_texts = {"explanation": _("For whoever meets it again: why it happened, and how you found out.")}

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [("", _("Choose…")), *RootCause.Category.choices]  # type: ignore[attr-defined]
        _offer(self, "component", system.components.all(), _("None"))


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(User.objects.none(), required=False)

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "owner", members(system), _("Nobody"))


class SeverityForm(forms.Form):
    severity = forms.TypedChoiceField(choices=Defect.Severity.choices, coerce=int)


class FixForm(forms.Form):
    version = forms.ModelChoiceField(ComponentVersion.objects.none(), required=False)

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = ComponentVersion.objects.filter(component__system=system).select_related("component")
        _offer(self, "version", versions, _("No version"))


class RetestForm(forms.Form):
    environment = forms.ModelChoiceField(Environment.objects.none(), required=False, to_field_name="slug")

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "environment", system.environments.all(), "")


def _mark(value: Any) -> str:
    """A short mark of a field's *value*; line ends are those of the browser."""
    text = str(value.pk if isinstance(value, Model) else value)
    return f"{crc32(text.replace(chr(13), '').strip().encode()):x}"


def _shown(value: Any) -> str:
    if value is None:
        return str(_("None"))
    return str(Defect.Severity(value).label) if isinstance(value, int) else str(value)


def _offer(form: forms.BaseForm, name: str, rows: Any, nothing: Any) -> None:
    """Let *form* accept *rows* for the field *name*; *nothing* is how an empty choice reads."""
    field = form.fields.get(name)
    if isinstance(field, forms.ModelChoiceField):
        field.queryset, field.empty_label = rows, nothing


def members(system: System) -> Any:
    """People of the system's team, by name."""
    return User.objects.filter(memberships__team=system.team_id, is_active=True).order_by("name", "email")
