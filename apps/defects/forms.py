"""Forms of defects; what they accept is stored by the services."""

from typing import Any

from django import forms
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
    """The same without the owner, who is set beside the description."""

    class Meta(DefectForm.Meta):
        fields = ["title", "severity", "component", "point", "description"]


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


def _offer(form: forms.BaseForm, name: str, rows: Any, nothing: Any) -> None:
    """Let *form* accept *rows* for the field *name*; *nothing* is how an empty choice reads."""
    field = form.fields.get(name)
    if isinstance(field, forms.ModelChoiceField):
        field.queryset, field.empty_label = rows, nothing


def members(system: System) -> Any:
    """People of the system's team, by name."""
    return User.objects.filter(memberships__team=system.team_id, is_active=True).order_by("name", "email")
