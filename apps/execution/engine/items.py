"""Sets and sequences of items: rows in any order, messages in an order."""

from collections import Counter
from collections.abc import Hashable
from typing import Any

from apps.execution.engine.differences import short

_TOLD = 3  # items named in a message


def same_items(found: list[Any], expected: list[Any]) -> tuple[bool, str]:
    """Whether both hold the same items equally often, in whatever order; and what is missing or too many."""
    there, wanted = Counter(map(_frozen, found)), Counter(map(_frozen, expected))
    if there == wanted:
        return True, ""
    missing = _surplus(expected, wanted - there)
    surplus = _surplus(found, there - wanted)
    told = [f"{names} missing" for names in _named(missing)] + [f"{names} too many" for names in _named(surplus)]
    return False, "; ".join(told)


def aligned(found: list[Any], expected: list[Any]) -> list[Any]:
    """*found* in the order of *expected*, as far as both hold the same; then what is only in *found*."""
    left = Counter(map(_frozen, found))
    result: list[Any] = []
    for item in expected:
        key = _frozen(item)
        if left[key] > 0:
            left[key] -= 1
            result.append(item)
    return result + _surplus(found, left)


def in_order(found: list[Any], expected: list[Any]) -> tuple[bool, str]:
    """Whether the items of *expected* come in *found* one after the other; others may stand between."""
    places = iter(map(_frozen, found))
    before = ""
    for item in expected:
        key = _frozen(item)
        if key not in places:  # goes on from where the one before was found
            if key not in map(_frozen, found):
                return False, f"{short(item)} is not there"
            return False, f"{short(item)} does not come after {before}"
        before = short(item)
    return True, ""


def _surplus(items: list[Any], counts: Counter[Hashable]) -> list[Any]:
    """Those of *items* that *counts* counts, as often."""
    left = +counts
    result: list[Any] = []
    for item in items:
        key = _frozen(item)
        if left[key] > 0:
            left[key] -= 1
            result.append(item)
    return result


def _named(items: list[Any]) -> list[str]:
    if not items:
        return []
    names = ", ".join(short(item) for item in items[:_TOLD])
    more = len(items) - _TOLD
    return [f"{names}{f' and {more} more' if more > 0 else ''} {'is' if len(items) == 1 else 'are'}"]


def _frozen(value: Any) -> Hashable:
    """Equal for JSON values that are the same: 1 is 1.0, but true is not 1."""
    if isinstance(value, dict):
        return "object", frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return "array", tuple(map(_frozen, value))
    return "boolean" if isinstance(value, bool) else "value", value
