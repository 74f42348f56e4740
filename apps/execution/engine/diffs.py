"""What differs between an expected and an actual value, as a unified diff of bounded size."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from apps.execution.engine.differences import short, written
from apps.execution.engine.masking import CUT

MAX_DIFF = 16_000
_MAX_LINES = 400  # of each side, from the first difference on
_MAX_LINE = 300
_MAX_TEXT = 120_000  # characters of a structure that only the slower encoder takes
_CONTEXT = 3  # lines
_BEFORE = 60  # characters before the first difference of two long lines
_LONG = 60  # shorter texts can be compared by looking at the message
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def difference(expected: Any, actual: Any) -> str:
    """A unified diff of two structures or two texts; "" for what a message shows as well."""
    if isinstance(expected, dict | list) and isinstance(actual, dict | list):
        try:
            return _unified(_pretty(expected), _pretty(actual))
        except RecursionError:
            return ""
    if not isinstance(expected, str) or not isinstance(actual, str):
        return ""
    if "\n" in expected or "\n" in actual:
        return _unified(expected.split("\n"), actual.split("\n"))
    if max(len(expected), len(actual)) <= _LONG:
        return ""
    one, other = _windows(expected, actual)
    place = f"@@ character {_common(expected, actual) + 1} @@"
    return "\n".join(("--- expected", "+++ actual", place, f"-{one}", f"+{other}"))


def short_pair(expected: Any, actual: Any) -> tuple[str, str]:
    """Both for a one-line message; of long texts that begin alike, what stands around the first difference."""
    one, other = short(expected), short(actual)
    if one != other or not isinstance(expected, str) or not isinstance(actual, str):
        return one, other
    start = max(0, _common(expected, actual) - _BEFORE // 2)
    return short(f"{CUT}{expected[start:]}"), short(f"{CUT}{actual[start:]}")


def projected(value: Any, part: Any) -> Any:
    """*value* with only those members of objects that *part* names, at any depth."""
    if isinstance(value, Mapping) and isinstance(part, Mapping):
        return {name: projected(value[name], part[name]) for name in part if name in value}
    return value


def _pretty(value: Any) -> list[str]:
    """Members of objects have no order: they are sorted, so that only real differences show."""
    try:
        return orjson.dumps(value, option=_OPTIONS).decode().split("\n")
    except TypeError:  # too large a number, or too deep for it
        return written(value, _MAX_TEXT, pretty=True).split("\n")


def _unified(expected: Sequence[str], actual: Sequence[str]) -> str:
    start = _common(expected, actual)
    lead = max(0, start - _CONTEXT)
    one, other = expected[lead : lead + _MAX_LINES], actual[lead : lead + _MAX_LINES]
    lines = difflib.unified_diff(one, other, "expected", "actual", lineterm="", n=_CONTEXT)
    head = list(islice(lines, 2))  # the names; none when no line differs
    text = "\n".join([*head, *_cut(_numbered(lines, lead))])
    if max(len(expected), len(actual)) - lead > _MAX_LINES:
        text += f"\n{CUT} (only the first {_MAX_LINES} lines from there on were compared)"
    return text if len(text) <= MAX_DIFF else text[:MAX_DIFF] + f"{CUT}\n{CUT} (cut)"


def _numbered(lines: Iterator[str], lead: int) -> Iterator[str]:
    """The places of *lines*, counted from the beginning of the value."""
    for line in lines:
        if line.startswith("@@"):
            yield re.sub(r"([-+])(\d+)", lambda match: f"{match[1]}{int(match[2]) + lead}", line)
        else:
            yield line


def _cut(lines: Iterator[str]) -> Iterator[str]:
    """Long lines in part; of a pair that was replaced, what stands around the first difference."""
    gone: list[str] = []
    come: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("+"):
            come.append(line[1:])
            continue
        if not line.startswith("-") or come:
            yield from _replaced(gone, come)
            gone, come = [], []
        if line.startswith("-"):
            gone.append(line[1:])
        elif line:
            yield _window(line, 0)


def _replaced(gone: Sequence[str], come: Sequence[str]) -> Iterator[str]:
    pairs = [_windows(one, other) for one, other in zip(gone, come, strict=False)]
    for index, line in enumerate(gone):
        yield "-" + (pairs[index][0] if index < len(pairs) else _window(line, 0))
    for index, line in enumerate(come):
        yield "+" + (pairs[index][1] if index < len(pairs) else _window(line, 0))


def _windows(one: str, other: str) -> tuple[str, str]:
    """Both texts; when they are long, from a little before their first difference on."""
    if max(len(one), len(other)) <= _MAX_LINE:
        return one, other
    start = max(0, _common(one, other) - _BEFORE)
    return _window(one, start), _window(other, start)


def _window(text: str, start: int) -> str:
    end = start + _MAX_LINE
    return (CUT if start else "") + text[start:end] + (CUT if end < len(text) else "")


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items both have in common at their beginning."""
    end = min(len(one), len(other))
    if one[:end] == other[:end]:
        return end
    low = 0
    while end - low > 1:  # slices are compared at the speed of C
        middle = (low + end) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            end = middle
    return low
