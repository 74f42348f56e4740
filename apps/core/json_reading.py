"""JSON from outside: what Python reads but nothing behind it can hold is refused here, with the reason."""

import json
from typing import Any, NoReturn

DEEPEST = 100  # levels; a case definition has a dozen
_HALF = "it holds half a character (a \\ud8xx or \\udcxx without its other half)"


def read_json(raw: bytes | str) -> Any:
    """The value in *raw*. ValueError says why there is none: also for NaN, half characters and endless nesting."""
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    if text.count("[") + text.count("{") > DEEPEST:
        _check_depth(value)
    if "\\u" in text:  # the only way to half a character
        _check_characters(value)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(_too_deep())
        level = [item for one in level for item in _items(one) if isinstance(item, dict | list)]


def _items(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError(_HALF) from None


def _too_deep() -> str:
    return f"it is nested more than {DEEPEST} levels deep"
