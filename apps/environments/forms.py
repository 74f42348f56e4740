"""Forms of environments, their names and versions, and data sets; the services hold the rules."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.forms import RefusableMixin
from apps.environments.csv_tables import MOST_BYTES, read_csv
from apps.environments.models import Dataset, Environment
from apps.systems.models import Component, System

SLUG_HELP = _("In addresses, cases and the API. Chosen once; suggested when left empty.")
IDENTIFIER = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


class _NamedForm(RefusableMixin, forms.ModelForm):  # type: ignore[type-arg]
    """A form whose row has a short name, which is chosen once."""

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            del self.fields["slug"]
            return
        self.instance.system = system
        self.fields["slug"].required = False
        self.fields["slug"].help_text = SLUG_HELP
        self.fields["slug"].widget.attrs["data-slug-of"] = "name"


class EnvironmentForm(_NamedForm):
    """An environment of *system*; a new one may take the variables of another."""

    copy_from = forms.ModelChoiceField(
        label=_("Copy variables from"),
        queryset=Environment.objects.none(),
        required=False,
        empty_label=_("none"),
        help_text=_("Names and values of variables; secrets are never copied."),
    )

    class Meta:
        model = Environment
        fields = ["name", "slug", "description", "is_production", "max_parallel", "queue"]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 2}),
            "queue": forms.TextInput(attrs={"placeholder": "env.staging", **IDENTIFIER}),
        }
        help_texts = {
            "is_production": _("The other environments are compared with it."),
            "queue": _("Only workers that listen to this queue execute here, for networks that others cannot reach."),
        }

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, system=system, **kwargs)
        others = system.environments.all()
        if self.instance.pk is not None or not others:
            del self.fields["copy_from"]
        else:
            source = self.fields["copy_from"]
            assert isinstance(source, forms.ModelChoiceField)  # noqa: S101 (for the type checker)
            source.queryset = others


class VariableForm(RefusableMixin, forms.Form):
    """Set a variable; ``was`` is its name before."""

    name = forms.CharField(label=_("Name"), max_length=60, widget=forms.TextInput(attrs=IDENTIFIER))
    value = forms.CharField(label=_("Value"), required=False, strip=False, widget=forms.TextInput(attrs=IDENTIFIER))
    was = forms.CharField(required=False, widget=forms.HiddenInput)


class SecretForm(RefusableMixin, forms.Form):
    """Set or replace a secret; what was typed is never sent back."""

    name = forms.CharField(label=_("Name"), max_length=60, widget=forms.TextInput(attrs=IDENTIFIER))
    value = forms.CharField(
        label=_("Value"),
        strip=False,
        widget=forms.PasswordInput(render_value=False, attrs={**IDENTIFIER, "autocomplete": "new-password"}),
    )


class DeployForm(RefusableMixin, forms.Form):
    """A version of a component that runs here from now on; an unknown version is named by it."""

    component = forms.ModelChoiceField(
        label=_("Component"), queryset=Component.objects.none(), to_field_name="slug", empty_label=_("Component…")
    )
    version = forms.CharField(
        label=_("Version"), max_length=60, widget=forms.TextInput(attrs={"placeholder": "1.4.0", **IDENTIFIER})
    )

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        component = self.fields["component"]
        assert isinstance(component, forms.ModelChoiceField)  # noqa: S101 (for the type checker)
        component.queryset = system.components.all()


class DatasetForm(_NamedForm):
    """Name and description of a data set; a new one may start from a CSV file."""

    file = forms.FileField(
        label=_("CSV file"),
        required=False,
        allow_empty_file=True,
        help_text=_("The first line names the columns. Leave it empty to type or paste the rows."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,text/csv"}),
    )

    class Meta:
        model = Dataset
        fields = ["name", "slug", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, system=system, **kwargs)
        if self.instance.pk is not None:
            del self.fields["file"]


class ImportForm(RefusableMixin, forms.Form):
    """Replace the rows of a data set by those of a CSV file."""

    file = forms.FileField(
        label=_("CSV file"), allow_empty_file=True, widget=forms.FileInput(attrs={"accept": ".csv,.tsv,text/csv"})
    )


def csv_values(upload: Any) -> dict[str, Any]:
    """``columns`` and ``rows`` of an uploaded CSV file, or nothing when none was sent."""
    if upload is None:
        return {}
    columns, rows = read_csv(upload.read(MOST_BYTES + 1))
    return {"columns": columns, "rows": rows}
