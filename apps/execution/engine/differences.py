"""Values made small enough to keep, at a cost that is bounded, too."""

import json
from typing import Any

import orjson

MAX_VALUE = 4_000  # characters of an expected or actual value
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
