"""Values and differences made small enough to keep, at a cost that is bounded, too."""

import difflib
import json
from typing import Any

import orjson

MAX_VALUE = 4_000  # characters of an expected or actual value
MAX_DIFF = 16_000
_MAX_LINES = 400
_MAX_LINE = 300
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
_PRETTY = json.JSONEncoder(ensure_ascii=False, default=str, indent=2)


def bounded(value: Any, limit: int = MAX_VALUE) -> Any:
    """*value* itself when it is small; else the beginning of its text, with a word on its size."""
    if isinstance(value, str):
        if len(value) <= limit:
            return value
        return f"{value[:limit]}… ({len(value)} characters)"
    if isinstance(value, dict | list):
        if _surely_fits(value, limit):
            return value
        try:
            text = written(value, limit)
        except RecursionError:
            return "… (nested too deeply)"
        return value if len(text) <= limit else f"{text[:limit]}… (cut)"
    return value


def _surely_fits(value: Any, limit: int) -> bool:
    """Whether *value* is written in at most *limit* bytes, as far as that is quickly told."""
    if len(value) > limit:
        return False
    try:
        return len(orjson.dumps(value)) * 2 <= limit  # the kept form has spaces between its parts
    except (TypeError, ValueError, RecursionError):
        return False


def written(value: Any, limit: int, *, pretty: bool = False) -> str:
    """*value* as JSON; not much longer than *limit*, however large it is."""
    encoder = _PRETTY if pretty else _ENCODER
    if not pretty and _is_small(value, limit):
        return encoder.encode(value)
    parts: list[str] = []
    length = 0
    for part in encoder.iterencode(value):
        parts.append(part[: limit + 1])
        length += len(part)
        if length > limit:
            break
    return "".join(parts)


def _is_small(value: Any, limit: int) -> bool:
    """Whether *value* surely has few and short parts, so that encoding it at once is cheap."""
    todo = [value]
    budget = limit
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            budget -= len(item)
        elif isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
        budget -= 1
        if budget < 0 or len(todo) > limit:
            return False
    return True


def short(value: Any, limit: int = 120) -> str:
    """*value* for a one-line message: texts in quotes, the rest as JSON."""
    if type(value) is int:
        return str(value)
    if type(value) is str and len(value) <= limit and value.isprintable():
        return f"“{value}”"
    text = f"“{value}”" if isinstance(value, str) and len(value) <= limit else written(value, limit)
    text = " ".join(text.split())
    return text if len(text) <= limit + 2 else text[:limit] + "…"


def difference(expected: Any, actual: Any) -> str:
    """A unified diff of two structures or two texts of several lines; "" for anything else."""
    both_structures = isinstance(expected, dict | list) and isinstance(actual, dict | list)
    both_texts = isinstance(expected, str) and isinstance(actual, str)
    if not both_structures and not (both_texts and ("\n" in expected or "\n" in actual)):
        return ""
    lines = difflib.unified_diff(_lines(expected), _lines(actual), "expected", "actual", lineterm="", n=3)
    text = "\n".join(lines)
    return text if len(text) <= MAX_DIFF else text[:MAX_DIFF] + "\n… (cut)"


def _lines(value: Any) -> list[str]:
    limit = _MAX_LINES * _MAX_LINE
    text = value[:limit] if isinstance(value, str) else written(_sorted(value), limit, pretty=True)
    return [line if len(line) <= _MAX_LINE else line[:_MAX_LINE] + "…" for line in text.split("\n")[:_MAX_LINES]]


def _sorted(value: Any) -> Any:
    """Members of objects have no order: sort them, so that only real differences show."""
    if isinstance(value, dict):
        return {key: value[key] for key in sorted(value, key=str)}
    return value
