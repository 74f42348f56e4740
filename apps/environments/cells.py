"""Cells of data sets: JSON scalars, and the text that people type and read for them.

The text of a cell is read as a number, ``true``, ``false`` or ``null`` when it is written like one in JSON, and is
taken as text otherwise. Text that looks like one of these stands in double quotes: ``"42"`` is text, ``42`` a number.
"""

import json
import math
from typing import Any, NoReturn

Scalar = str | int | float | bool | None


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and Infinity are not JSON


def read_cell(text: str) -> Scalar:
    """The value that *text* stands for; never fails, because anything else is text."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, float) and not math.isfinite(value):
        return text
    return value if value is None or isinstance(value, str | int | float) else text


def write_cell(value: Scalar) -> str:
    """The text of *value*: ``read_cell(write_cell(value))`` is *value* again, of the same type, on one line."""
    if isinstance(value, str) and read_cell(value) == value and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False)


def is_scalar(value: Any) -> bool:
    """Whether *value* may stand in a cell."""
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)


def cell_kind(value: Scalar) -> str:
    """``text``, ``number``, ``boolean`` or ``null``: the hint beside a cell."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "text"
