"""The table of a data set: named columns, labelled rows, JSON scalars; checked as a whole, bounded in size."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import DomainError
from apps.environments.cells import Scalar, is_scalar
from apps.environments.models import NAME, RESERVED_NAMES

MOST_ROWS = 2_000
MOST_COLUMNS = 60
MOST_CELL = 10_000  # characters
MOST_LABEL = 120
MOST_ERRORS = 20  # a wrong file is not listed cell by cell
_NAME = re.compile(NAME)


@dataclass(frozen=True)
class Row:
    """One row; *values* has a value for each column."""

    values: Mapping[str, Scalar]
    label: str = ""


@dataclass
class Problems:
    """Errors of a table, with the place of each: row counted from 1, column by name."""

    errors: list[dict[str, Any]] = field(default_factory=list)

    def add(self, detail: str, *, row: int | None = None, column: str | None = None, name: str = "") -> None:
        """Note one; *name* is ``columns`` or ``label`` when it is not a cell."""
        place = "columns" if row is None else f"rows[{row - 1}].{name or f'values.{column}'}"
        error: dict[str, Any] = {"field": place, "detail": detail}
        self.errors.append(error | ({"row": row} if row else {}) | ({"column": column} if column is not None else {}))

    def raise_any(self) -> None:
        """DomainError ``invalid-table`` when there are any."""
        if self.errors:
            text = self.errors[0]["detail"]
            more = len(self.errors) - 1
            detail = _("%(first)s (and %(count)d more)") % {"first": text, "count": more} if more else text
            raise DomainError("invalid-table", detail, errors=self.errors[:MOST_ERRORS])


def check_table(columns: Sequence[Any], rows: Sequence[Any]) -> tuple[list[str], list[Row]]:
    """Columns and rows as they may be stored; DomainError ``invalid-table`` names row and column of each error.

    A row is ``{"label": "…", "values": {column: scalar}}``.
    """
    problems = Problems()
    names = _check_columns(columns, problems)
    if len(rows) > MOST_ROWS:
        problems.add(_("At most %(count)d rows; there are %(actual)d.") % {"count": MOST_ROWS, "actual": len(rows)})
    problems.raise_any()
    checked = [_check_row(number, row, names, problems) for number, row in enumerate(rows, 1)]
    problems.raise_any()
    return names, checked


def _check_columns(columns: Sequence[Any], problems: Problems) -> list[str]:
    names = [str(name).strip() for name in columns]
    if len(names) > MOST_COLUMNS:
        problems.add(_("At most %(count)d columns.") % {"count": MOST_COLUMNS})
    for position, name in enumerate(names, 1):
        if not name:
            problems.add(_("Column %(position)d has no name.") % {"position": position}, column=name)
        elif not _NAME.match(name) or len(name) > 60:
            text = _("Column “%(name)s”: letters, digits and underscores, not beginning with a digit, at most 60.")
            problems.add(text % {"name": name[:80]}, column=name)
        elif name in RESERVED_NAMES:
            problems.add(_("Column “%(name)s” has a meaning of its own in templates.") % {"name": name}, column=name)
        elif name in names[: position - 1]:
            problems.add(_("Column “%(name)s” is there twice.") % {"name": name}, column=name)
    return names


def _check_row(number: int, row: Any, names: list[str], problems: Problems) -> Row:
    values = row.get("values") if isinstance(row, Mapping) else None
    if not isinstance(values, Mapping):
        problems.add(_("Row %(row)d is not {label, values}.") % {"row": number}, row=number, name="values")
        return Row({})
    label = str(row.get("label") or "").strip()
    if len(label) > MOST_LABEL or not _is_storable(label):
        text = _("Row %(row)d: the label has more than %(count)d characters, or one that cannot be stored.")
        problems.add(text % {"row": number, "count": MOST_LABEL}, row=number, name="label")
    for name in values.keys() - set(names):
        text = _("Row %(row)d: there is no column “%(name)s”.")
        problems.add(text % {"row": number, "name": name}, row=number, column=str(name))
    return Row({name: _check_cell(number, name, values, problems) for name in names}, label)


def _check_cell(number: int, name: str, values: Mapping[str, Any], problems: Problems) -> Scalar:
    place = {"row": number, "name": name}
    if name not in values:
        problems.add(_("Row %(row)d has no value for “%(name)s”.") % place, row=number, column=name)
        return None
    value = values[name]
    if not is_scalar(value):
        text = _("Row %(row)d, column “%(name)s”: text, a number, true, false or null is needed.")
        problems.add(text % place, row=number, column=name)
        return None
    if isinstance(value, str) and len(value) > MOST_CELL:
        text = _("Row %(row)d, column “%(name)s”: more than %(count)d characters.")
        problems.add(text % {**place, "count": MOST_CELL}, row=number, column=name)
    if isinstance(value, str) and not _is_storable(value):
        text = _("Row %(row)d, column “%(name)s”: contains a character that cannot be stored.")
        problems.add(text % place, row=number, column=name)
    return value  # type: ignore[no-any-return]


def _is_storable(text: str) -> bool:
    """Whether PostgreSQL takes it: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
