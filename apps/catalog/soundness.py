"""What JSON text can hold but a database cannot keep: found before a definition is looked at closely."""

import math
from typing import Any

from apps.catalog.definition import Problem
from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import Path, path_text

DEEPEST = 60
LARGEST = 50_000  # values in one definition


def unsound(definition: Any) -> list[Problem]:
    """Characters, numbers and depths that cannot be kept, each with its path; empty when there are none."""
    found: list[Problem] = []
    count = 0
    waiting: list[tuple[Any, Path]] = [(definition, ())]
    while waiting:
        value, path = waiting.pop()
        count += 1
        if count > LARGEST or len(path) > DEEPEST:
            return [Problem(path_text(path[:2]), _("too large or nested too deeply"))]
        if isinstance(value, dict):
            for key, item in value.items():
                waiting += [(key, (*path, str(key))), (item, (*path, str(key)))]
        elif isinstance(value, list):
            waiting += [(item, (*path, index)) for index, item in enumerate(value)]
        elif text := _why_not(value):
            found.append(Problem(path_text(path), text))
    return found[::-1]


def _why_not(value: Any) -> str:
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= character <= "\udfff" for character in value)):
        return _("holds a character that cannot be kept")
    if isinstance(value, float) and not math.isfinite(value):
        return _("is not a number that JSON knows")
    return ""
