"""Forms whose rules stand in services: a refusal is shown at the field that it names."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.utils.translation import gettext as _

from apps.core.errors import DomainError
from apps.core.validation import unseen

Made = TypeVar("Made")


class CheckList(forms.CheckboxSelectMultiple):
    """Boxes of a choice of several, side by side where there is room."""

    template_name = "components/check_list.html"

    def __init__(self) -> None:
        super().__init__(attrs={"class": "form-check-input"})


class RefusableMixin:
    """Adds ``refuse(error)`` to a form; what was typed is kept."""

    fields: dict[str, forms.Field]
    add_error: Any

    def refuse(self, error: DomainError) -> None:
        """Show the refusal of a service at the fields that it names, or above the form."""
        for item in error.errors or [{"field": "", "detail": error.detail}]:
            field = str(item.get("field", ""))
            self.add_error(field if field in self.fields else None, item["detail"])


def visible_line(text: str) -> None:
    """Validator of names: what others read must be what is there."""
    if unseen(text):
        raise forms.ValidationError(_("It has characters that cannot be seen, or nothing else."))


def saved(form: Any, save: Callable[..., Made]) -> Made | None:
    """What *save* made of the form's values (given as keywords); None when nothing was sent or it was refused.

    *form* is a Form with RefusableMixin; after None it shows what is wrong, with what was typed.
    """
    if not form.is_valid():
        return None
    try:
        return save(**form.cleaned_data)
    except DomainError as error:
        form.refuse(error)
        return None
