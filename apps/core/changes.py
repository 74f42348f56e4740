"""What a change changes: values put on a row, and the difference for the audit log."""

from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from apps.core.validation import RESERVED_SLUGS, refuse

NEVER = frozenset({"id", "pk", "system", "team", "created_at", "updated_at"})


def apply_values(row: models.Model, values: dict[str, Any]) -> dict[str, list[str]]:
    """Set *values* on *row*; returns ``{field: [before, after]}`` as text for those that differ.

    Raises DomainError when the short name of a row that exists would change, or the word is a page's own.
    """
    changes: dict[str, list[str]] = {}
    for name, value in values.items():
        if name in NEVER:
            raise TypeError(f"{name} is not a value of {type(row).__name__}")
        row._meta.get_field(name)  # FieldDoesNotExist for what is no field
        if name == "slug":
            _check_slug(row, value)
        before = None if row.pk is None else getattr(row, name)
        if row.pk is None or (before != value and name != "slug"):
            changes[name] = [_text(before), _text(value)]
            setattr(row, name, value)
    return changes


def _check_slug(row: models.Model, value: Any) -> None:
    if row.pk is not None and value not in {"", row.slug}:  # type: ignore[attr-defined]
        raise refuse("slug", _("The short name never changes: links, cases and programs use it."), "fixed-short-name")
    if value in RESERVED_SLUGS:
        raise refuse("slug", _("“%(word)s” is a word of IntegHub's own; choose another.") % {"word": value})


def _text(value: Any) -> str:
    return "" if value is None else str(getattr(value, "slug", value))[:200]
