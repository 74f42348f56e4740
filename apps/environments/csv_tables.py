"""Data sets as CSV: the first line names the columns; a column ``row label`` holds the labels.

Cells are written and read as in ``apps.environments.cells``, so that export and import keep every type.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import DomainError
from apps.environments.cells import read_cell, write_cell
from apps.environments.models import DataRow
from apps.environments.tables import Problems

LABEL = "row label"
MOST_BYTES = 2_000_000
DELIMITERS = ",;\t"


def write_csv(columns: Sequence[str], rows: Iterable[DataRow]) -> str:
    """CSV text with a header line; typed cells as they are typed by people."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([LABEL, *columns])
    for row in rows:
        writer.writerow([row.label, *(write_cell(row.values.get(name)) for name in columns)])
    return out.getvalue()


def read_csv(content: bytes) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows of a CSV file, not yet checked as a table.

    Comma, semicolon or tab; UTF-8. DomainError ``invalid-csv`` or ``invalid-table`` names line, row and column.
    """
    if len(content) > MOST_BYTES:
        raise _refused(_("The file has more than %(count)d bytes.") % {"count": MOST_BYTES})
    reader = csv.reader(io.StringIO(_decoded(content), newline=""), delimiter=_delimiter(content), strict=True)
    problems = Problems()
    header: list[str] = []
    rows: list[dict[str, Any]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if not any(header):
            raise _refused(_("The first line must name the columns."), line=1)
        for cells in reader:
            if cells:
                rows.append(_row(len(rows) + 1, reader.line_num, header, cells, problems))
    except csv.Error as error:
        detail = _("Line %(line)d is not CSV: %(why)s.") % {"line": reader.line_num, "why": error}
        raise _refused(detail, line=reader.line_num) from None
    problems.raise_any()
    return [name for name in header if name.lower() != LABEL], rows


def _row(number: int, line: int, header: list[str], cells: list[str], problems: Problems) -> dict[str, Any]:
    if len(cells) != len(header):
        text = _("Row %(row)d (line %(line)d) has %(cells)d cells; there are %(columns)d columns.")
        place = {"row": number, "line": line, "cells": len(cells), "columns": len(header)}
        problems.add(text % place, row=number, name="values")
    pairs = list(zip(header, cells, strict=False))
    label = next((cell for name, cell in pairs if name.lower() == LABEL), "")
    return {"label": label, "values": {name: read_cell(cell) for name, cell in pairs if name.lower() != LABEL}}


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refused(_("Line %(line)d is not UTF-8 text.") % {"line": line}, line=line) from None


def _delimiter(content: bytes) -> str:
    """The one of comma, semicolon and tab that the first line has most of."""
    first = content.split(b"\n", 1)[0].decode("utf-8", "replace")
    return max(DELIMITERS, key=first.count)


def _refused(detail: str, line: int | None = None) -> DomainError:
    errors = [{"field": "file", "detail": detail} | ({"line": line} if line else {})]
    return DomainError("invalid-csv", detail, errors=errors)
