"""Forms of systems, components, integration points and workflows; the services hold the rules."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from apps.core.forms import RefusableMixin
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, System, Workflow

SLUG_HELP = _("In addresses, cases and the API. Chosen once; suggested when left empty.")


def area(rows: int = 3, **attrs: str) -> forms.Textarea:
    """A text area of *rows* lines."""
    return forms.Textarea(attrs={"rows": rows, **attrs})


class NamedForm(RefusableMixin, forms.ModelForm):  # type: ignore[type-arg]
    """A form whose row has a short name, chosen once: the field is there only while the row is new.

    ``slug_of`` names the fields from which the browser suggests it.
    """

    slug_of: tuple[str, ...] = ("name",)

    def __init__(self, *args: Any, system: System | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if system is not None and self.instance.pk is None:
            self.instance.system = system
        if self.instance.pk is not None:
            del self.fields["slug"]
            return
        slug = self.fields["slug"]
        slug.required = False
        slug.help_text = SLUG_HELP
        slug.widget.attrs["data-slug-of"] = " ".join(self.add_prefix(name) for name in self.slug_of)


class SystemForm(NamedForm):
    """Name and description of a system."""

    class Meta:
        model = System
        fields = ["name", "slug", "description"]
        widgets = {"description": area()}
        help_texts = {"description": _("What it does, for whom, and where its documentation is.")}


class ComponentForm(NamedForm):
    """A component of *system*."""

    repository = forms.URLField(label=_("Repository"), required=False, max_length=200, assume_scheme="https")

    class Meta:
        model = Component
        fields = ["name", "slug", "kind", "owner", "repository", "description"]
        widgets = {"description": area(), "kind": forms.RadioSelect}
        help_texts = {"owner": _("Team or person to ask when it fails.")}


class PointForm(NamedForm):
    """A seam between two components of *system*."""

    slug_of = ("consumer", "provider", "operation")

    class Meta:
        model = IntegrationPoint
        fields = ["consumer", "provider", "protocol", "operation", "slug", "criticality", "description"]
        widgets = {
            "description": area(),
            "operation": forms.TextInput(attrs={"placeholder": "POST /orders", "spellcheck": "false"}),
        }
        help_texts = {
            "consumer": _("Who asks, sends or reads."),
            "provider": _("Who answers, receives or holds the data."),
            "operation": _("What is called there: “POST /orders”, “Inventory.Reserve”, a stream, a table."),
        }

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, system=system, **kwargs)
        for end in ("consumer", "provider"):
            choice = self.fields[end]
            assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 (for the type checker)
            choice.queryset = system.components.all()
            choice.empty_label = _("Choose a component…")
        protocols = self.fields["protocol"]
        assert isinstance(protocols, forms.TypedChoiceField)  # noqa: S101 (for the type checker)
        protocols.choices = [("", _("Choose…")), *IntegrationPoint.Protocol.choices]


class WorkflowForm(NamedForm):
    """A workflow of *system*; ``points`` holds the short names of its hops, in order."""

    class Meta:
        model = Workflow
        fields = ["name", "slug", "criticality", "entry", "output"]
        widgets = {"entry": area(), "output": area()}
        help_texts = {
            "entry": _("What starts it: the data that enters, and from whom."),
            "output": _("What must be true at the end: rows, messages, mails, answers."),
        }

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, system=system, **kwargs)
        self.known = {point.slug: point for point in system.points.select_related("consumer", "provider")}
        before = self.instance.hops.select_related("point") if self.instance.pk else []
        chosen = self.data.getlist("points") if isinstance(self.data, QueryDict) else [hop.point.slug for hop in before]
        self.chosen = [self.known[slug] for slug in chosen if slug in self.known]
        self.gone = [slug for slug in chosen if slug not in self.known]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.gone:
            text = _("No longer there: %(names)s.") % {"names": ", ".join(self.gone)}
            self.add_error(None, text)
        return {**values, "points": self.chosen}


class VersionForm(RefusableMixin, forms.ModelForm):  # type: ignore[type-arg]
    """A version of a component."""

    class Meta:
        model = ComponentVersion
        fields = ["name", "notes"]
        widgets = {
            "notes": forms.TextInput(attrs={"placeholder": _("what is new")}),
            "name": forms.TextInput(attrs={"placeholder": "1.4.0"}),
        }
