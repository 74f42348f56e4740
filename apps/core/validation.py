"""Rows are checked whole before they are saved; what is wrong is told field by field."""

import re
from typing import TypeVar
from unicodedata import category

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.core.errors import DomainError

Row = TypeVar("Row", bound=models.Model)
LONGEST_TEXT = 20_000  # characters of what people write: a description must not outweigh the page that shows it
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NOTHING = frozenset({"Cf", "Zs", "Zl", "Zp"})  # classes of characters that show nothing
RESERVED_SLUGS = frozenset({"new"})  # ``…/points/new/`` is the page that makes one


def refuse(field: str, detail: str, code: str = "invalid") -> DomainError:
    """An error at one field; raise it."""
    return DomainError(code, detail, errors=[{"field": field, "detail": detail}])


def check(row: models.Model) -> None:
    """Check all fields and constraints of *row*; DomainError ``invalid`` names the fields."""
    for field in row._meta.fields:
        if isinstance(field, models.TextField):
            check_length(field.name, getattr(row, field.name))
        elif isinstance(field, models.CharField):
            check_line(field.name, getattr(row, field.name))
    try:
        row.full_clean()
    except ValidationError as error:
        raise _as_domain_error(error) from None


def check_length(field: str, text: str | None) -> None:
    """DomainError at *field* when *text* has more characters than people write."""
    if text and len(text) > LONGEST_TEXT:
        raise refuse(field, _("At most %(most)s characters.") % {"most": LONGEST_TEXT})


def check_line(field: str, text: str | None) -> None:
    """DomainError at *field* when *text* cannot be shown in a line: see :func:`unseen`."""
    if text and unseen(text):
        raise refuse(field, _("It has characters that cannot be seen, or nothing else."))


def unseen(text: str) -> bool:
    """Whether *text* has control characters or turns the direction of what stands behind it, or shows nothing."""
    return bool(_CONTROL.search(text)) or all(category(one) in _NOTHING for one in text)


def in_one_line(text: str) -> str:
    """*text* from outside without what :func:`unseen` refuses."""
    return _CONTROL.sub(" ", text)


def save_valid(row: Row) -> Row:
    """Check *row* and save it; a name taken by another request in the meantime is refused like any other."""
    check(row)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        check(row)
        raise
    return row


def free_slug(rows: models.QuerySet[Row], text: str, *, limit: int) -> str:
    """A short name made of *text* that no row of *rows* has; at most *limit* characters."""
    base = slugify(text)[:limit].strip("-_") or rows.model._meta.model_name or "x"
    taken = set(rows.filter(slug__startswith=base[: limit - 4]).values_list("slug", flat=True)) | RESERVED_SLUGS
    if base not in taken:
        return base
    numbered = (f"{base[: limit - len(str(n)) - 1]}-{n}" for n in range(2, len(taken) + 3))
    return next(slug for slug in numbered if slug not in taken)


def _as_domain_error(error: ValidationError) -> DomainError:
    errors = [
        {"field": _place(field, item), "detail": _taken(item) or text}
        for field, items in error.error_dict.items()
        for item in items
        for text in item.messages
    ]
    detail = errors[0]["detail"] if len(errors) == 1 else _("Some fields are not valid.")
    return DomainError("invalid", detail, errors=errors)


def _place(field: str, error: ValidationError) -> str:
    """Where to show *error*: a broken "unique together" belongs to the last of its fields."""
    if field != NON_FIELD_ERRORS:
        return field
    together = _together(error)
    return str(together[-1]) if together else ""


def _taken(error: ValidationError) -> str:
    """Words for a name that another row of the same owner has: Django's name the owner, whom nobody chose."""
    return _("This is taken already: choose another.") if len(_together(error)) == 2 else ""


def _together(error: ValidationError) -> tuple[str, ...]:
    """Fields of the "unique together" that is broken; empty when it is another error."""
    params = error.params if isinstance(error.params, dict) else {}
    return tuple(params.get("unique_check") or ())
