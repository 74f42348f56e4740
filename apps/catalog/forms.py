"""Forms of suites, plans, bulk changes and imports. They check what was typed; services act."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.catalog import plan_versions
from apps.catalog.case_services import PRIORITY
from apps.catalog.models import RunPriority, TestCase, TestPlan, TestSuite
from apps.catalog.suite_tree import tree
from apps.core.errors import DomainError
from apps.core.forms import RefusableMixin
from apps.systems.models import System

LARGEST_FILE = 2_000_000  # bytes of one imported file


class SuiteChoices(forms.ModelChoiceField[TestSuite]):
    """Suites of a system, shown as a tree."""

    def __init__(self, **options: Any) -> None:
        super().__init__(TestSuite.objects.none(), **options)

    def offer(self, system: System) -> None:
        """Offer the suites of *system*."""
        self.queryset = system.suites.all()
        self.choices = _as_tree(system, self.empty_label)


class SuitesChoices(forms.ModelMultipleChoiceField[TestSuite]):
    """Several suites of a system, shown as a tree."""

    def __init__(self, **options: Any) -> None:
        super().__init__(TestSuite.objects.none(), **options)

    def offer(self, system: System) -> None:
        """Offer the suites of *system*."""
        self.queryset = system.suites.all()
        self.choices = _as_tree(system, None)


def _as_tree(system: System, empty: Any) -> list[tuple[Any, str]]:
    nodes = [(node.pk, "\u2003" * node.depth + node.suite.name) for node in tree(system)]
    return [*([("", empty)] if empty else []), *nodes]


class TagsField(forms.CharField):
    """Tags with commas between them, as a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return [tag.strip() for tag in (value or "").split(",") if tag.strip()]

    def validate(self, value: Any) -> None:
        super().validate(value)
        limit = TestPlan._meta.get_field("tags").base_field.max_length or 0
        if any(len(tag) > limit for tag in value):
            raise forms.ValidationError(_now("A tag has at most %(limit)d characters.") % {"limit": limit})

    def run_validators(self, value: Any) -> None:
        """None of a text's."""


class SuiteForm(RefusableMixin, forms.ModelForm[TestSuite]):
    """Name and place of a suite."""

    parent = SuiteChoices(label=_("In"), required=False, empty_label=_("Top of the tree"))

    class Meta:
        model = TestSuite
        fields = ["name", "parent", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].offer(system)  # type: ignore[attr-defined]

    def _post_clean(self) -> None:
        """The service checks the whole row."""


class PlanForm(RefusableMixin, forms.ModelForm[TestPlan]):
    """Name of a plan and what it selects; the four ways add up."""

    everything = forms.BooleanField(label=_("All active cases of the system"), required=False)
    suites = SuitesChoices(
        label=_("Suites"),
        required=False,
        help_text=_("With all suites below them."),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "suite-choice"}),
    )
    tags = TagsField(label=_("Tags"), required=False, help_text=_("With commas between: smoke, checkout"))
    cases = forms.CharField(
        label=_("Cases"),
        required=False,
        help_text=_("Numbers: C1, C7, 12"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    versions = forms.CharField(
        label=_("Versions it is meant for"),
        required=False,
        help_text=_("A line for each component: “inventory: 1.1, 1.0”. Where others are deployed, a run asks first."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )

    class Meta:
        model = TestPlan
        fields = ["name", "description", "everything", "suites", "tags", "retries", "priority", "time_limit"]
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}
        help_texts = {
            "retries": _("0 to 5, unless a case says otherwise. Every attempt is kept and shown."),
            "priority": _("Whether its runs go before others that wait."),
            "time_limit": _("What has not ended by then is cancelled."),
        }

    field_order = (
        *("name", "description", "everything", "suites", "tags", "cases", "versions"),
        *("retries", "priority", "time_limit"),
    )

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._system = system
        self.fields["suites"].offer(system)  # type: ignore[attr-defined]
        for name in ("retries", "priority"):
            self.fields[name].required = False  # left out, they are as usual
        if self.instance.pk and not self.is_bound:
            numbers = self.instance.cases.values_list("number", flat=True)
            self.initial["cases"] = ", ".join(f"C{number}" for number in numbers)
            self.initial["versions"] = plan_versions.as_text(self.instance.versions)

    def clean_versions(self) -> dict[str, list[str]]:
        """By component; the service knows which there are."""
        try:
            return plan_versions.from_text(self.cleaned_data["versions"])
        except DomainError as error:
            raise forms.ValidationError(error.detail) from None

    def clean_retries(self) -> int:
        """None when left out."""
        return self.cleaned_data["retries"] or 0

    def clean_priority(self) -> str:
        """In turn when left out."""
        return self.cleaned_data["priority"] or RunPriority.NORMAL

    def clean_cases(self) -> list[TestCase]:
        """The cases with these numbers."""
        words = self.cleaned_data["cases"].replace(",", " ").split()
        numbers = [word.upper().removeprefix("C") for word in words]
        odd = [word for word, number in zip(words, numbers, strict=True) if not number.isdecimal() or len(number) > 9]
        found = list(self._system.cases.filter(number__in=[int(n) for n in numbers if n.isdecimal() and len(n) < 10]))
        known = {str(case.number) for case in found}
        missing = odd or [word for word, number in zip(words, numbers, strict=True) if number.lstrip("0") not in known]
        if missing:
            raise forms.ValidationError(_now("No such case: %(words)s") % {"words": ", ".join(missing[:10])})
        return found

    def _post_clean(self) -> None:
        """The service checks the whole row."""


class BulkForm(forms.Form):
    """What to do with the chosen cases: everything below ``case`` that is given."""

    case = forms.TypedMultipleChoiceField(coerce=int)
    add = TagsField(required=False)
    remove = TagsField(required=False)
    priority = forms.ChoiceField(choices=[("", ""), *((word, word) for word in PRIORITY)], required=False)
    suite = SuiteChoices(required=False)
    status = forms.ChoiceField(choices=[("", ""), *TestCase.Status.choices], required=False)

    def __init__(self, data: Any, system: System) -> None:
        super().__init__(data)
        numbers = [number for number in data.getlist("case") if number.isdecimal() and len(number) < 10]
        self.fields["case"].choices = [(number, number) for number in numbers]  # type: ignore[attr-defined]
        self.fields["suite"].offer(system)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not any(data.get(name) for name in self.fields if name != "case"):
            raise forms.ValidationError(_now("Choose what to change."))
        return data


class Files(forms.FileInput):
    """One input for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, as a list."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return [super(FilesField, self).clean(one, initial) for one in data or []]


class ImportForm(RefusableMixin, forms.Form):
    """YAML as text, or files with it."""

    suite = SuiteChoices(label=_("Suite"), empty_label=None)
    yaml = forms.CharField(
        label=_("YAML"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "class": "code-input", "wrap": "off"}),
        help_text=_("One case, or several with a line --- between them."),
    )
    uploads = FilesField(
        label=_("Or files"), required=False, widget=Files(attrs={"multiple": True, "accept": ".yaml,.yml"})
    )

    def __init__(self, *args: Any, system: System, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["suite"].offer(system)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["sources"] = [self._read(upload) for upload in data.get("uploads") or []]
        if (data.get("yaml") or "").strip():
            data["sources"].insert(0, ("", data["yaml"]))
        if not data["sources"] and not self.errors:
            self.add_error("yaml", _now("Give YAML text or files."))
        return data

    def _read(self, upload: Any) -> tuple[str, str]:
        if upload.size > LARGEST_FILE:
            self.add_error("uploads", _now("%(file)s is too large.") % {"file": upload.name})
            return upload.name, ""
        try:
            return upload.name, upload.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            place = _now("%(file)s is not UTF-8 text (byte %(byte)d).") % {"file": upload.name, "byte": error.start}
            self.add_error("uploads", place)
            return upload.name, ""
