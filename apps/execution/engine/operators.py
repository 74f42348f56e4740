"""What each operator of a check means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

from apps.catalog.definition.expressions import REGEX_SECONDS, compile_regex, compile_schema
from apps.execution.engine import items
from apps.execution.engine.differences import short

_MAX_SCHEMA_ERRORS = 5


_TYPE_NAMES = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}


class NotComparable(Exception):
    """The two values cannot be compared by this operator."""


@dataclass(slots=True)
class Looked:
    """What a check looks at: *value*, and every match that was *found*.

    *is_text* says that the subject is text by nature (a header, an output): numbers are read from it.
    """

    value: Any
    found: list[Any]
    is_text: bool = False
    missing: bool = False
    is_whole: bool = False

    @classmethod
    def one(cls, value: Any, *, is_text: bool = False) -> Self:
        """Exactly this value."""
        return cls(value, [value], is_text)

    @classmethod
    def whole(cls, value: Any, *, is_text: bool = False) -> Self:
        """The subject itself, not a part of it."""
        return cls(value, [value], is_text, is_whole=True)

    @property
    def items(self) -> list[Any]:
        """What was found, one by one: the items of a list, or every match of a path."""
        return self.value if isinstance(self.value, list) else self.found

    @classmethod
    def nothing(cls) -> Self:
        """No value."""
        return cls(None, [], missing=True)


Verdict = tuple[bool, str]
"""Whether it holds, and what to say when it does not ("" for the usual)."""


def _equals(looked: Looked, expected: Any) -> Verdict:
    if looked.missing:
        return False, ""
    if looked.is_text and _is_number(expected):
        return _number_in(looked.value) == expected, ""
    holds = same(looked.value, expected)
    return holds, "" if holds else _type_hint(looked.value, expected)


def same(one: Any, other: Any) -> bool:
    """Equality of JSON: 1 is 1.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _type_hint(actual: Any, expected: Any) -> str:
    """A word on values that look the same but are not of one type."""
    if type(actual) is not type(expected) and str(actual) == str(expected):
        return f"it is {short(actual)}, {_article(actual)}, and not {_article(expected)}"
    return ""


def _article(value: Any) -> str:
    name = type_name(value)
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _contains(looked: Looked, expected: Any) -> Verdict:
    return not looked.missing and _holds(looked.value, expected), ""


def _holds(whole: Any, part: Any) -> bool:
    if isinstance(whole, str):
        return (part if isinstance(part, str) else str(part)) in whole
    if isinstance(whole, dict):
        if isinstance(part, dict):
            return all(key in whole and _fits(whole[key], value) for key, value in part.items())
        return isinstance(part, str) and part in whole
    if isinstance(whole, list):
        wanted = part if isinstance(part, list) else [part]
        return all(any(_fits(item, one) for item in whole) for one in wanted)
    return False


def _fits(value: Any, part: Any) -> bool:
    """Equal, or an object with at least the members of *part*."""
    if isinstance(value, dict) and isinstance(part, dict):
        return _holds(value, part)
    return same(value, part)


def _matches(looked: Looked, expected: Any) -> Verdict:
    if looked.missing:
        return False, ""
    if isinstance(looked.value, dict | list):
        raise NotComparable(f"a pattern needs a text, but the value is {_article(looked.value)}")
    text = looked.value if isinstance(looked.value, str) else short(looked.value)
    return compile_regex(str(expected)).search(text, timeout=REGEX_SECONDS) is not None, ""


def type_name(value: Any) -> str:
    """The JSON type of *value*: string, integer, number, boolean, array, object or null."""
    if isinstance(value, bool):
        return "boolean"
    return next((name for kind, name in _TYPE_NAMES.items() if isinstance(value, kind)), "null")


def _type(looked: Looked, expected: Any) -> Verdict:
    if looked.missing:
        return False, ""
    name = type_name(looked.value)
    holds = name == expected or (expected == "number" and name == "integer")
    return holds, "" if holds else f"it is {_article(looked.value)}: {short(looked.value)}"


def _count(looked: Looked, expected: Any) -> Verdict:
    if looked.is_whole:
        number = len(looked.value) if isinstance(looked.value, list | dict) else int(looked.value is not None)
        return number == expected, f"there {'is' if number == 1 else 'are'} {number}"
    number = len(looked.found)
    if number == expected:
        return True, ""
    hint = ""
    if number == 1 and isinstance(looked.value, list):
        hint = f" (a list of {len(looked.value)}: end the path with [*] to count its items)"
    return False, f"{number} {'was' if number == 1 else 'were'} found{hint}"


def _exists(looked: Looked, expected: Any) -> Verdict:
    there = looked.value not in (None, "", [], {}) if looked.is_whole else bool(looked.found)
    if there is bool(expected):
        return True, ""
    return False, f"it is {short(looked.value)}" if there else "there is nothing"


def _one_of(looked: Looked, expected: Any) -> Verdict:
    return any(_equals(looked, one)[0] for one in _list(expected, "one_of")), ""


def _same_items(looked: Looked, expected: Any) -> Verdict:
    return items.same_items(looked.items, _list(expected, "same_items"))


def _in_order(looked: Looked, expected: Any) -> Verdict:
    return items.in_order(looked.items, _list(expected, "in_order"))


def _list(expected: Any, operator: str) -> list[Any]:
    if not isinstance(expected, list):
        raise NotComparable(f"“{operator}” needs a list")
    return expected


def _schema(looked: Looked, expected: Any) -> Verdict:
    if looked.missing:
        return False, ""
    errors: list[str] = []
    for error in compile_schema(expected).iter_errors(looked.value):
        errors.append(_schema_error(error))
        if len(errors) == _MAX_SCHEMA_ERRORS:
            break
    return not errors, "; ".join(errors)


def _schema_error(error: Any) -> str:
    path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
    message = error.message if len(error.message) <= 300 else error.message[:300] + "…"
    return f"{path}: {message}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number_in(value: Any) -> float | None:
    """The number that a text says, for subjects that can only be text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _moment(value: Any) -> float | None:
    """Seconds since the epoch of a time, in ISO 8601 or as in headers; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)  # as headers of HTTP and mail say it
        except ValueError:
            return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _comparable(looked: Looked, expected: Any) -> tuple[float, float]:
    """Two numbers, or two times as seconds. Raises ``NotComparable``."""
    actual = looked.value
    if _is_number(expected):
        number = _number_in(actual) if looked.is_text else actual
        if _is_number(number):
            return float(number or 0), float(expected)
    else:
        one, other = _moment(actual), _moment(expected)
        if one is not None and other is not None:
            return one, other
    found = "nothing was found" if looked.missing else f"the value is {short(actual)}"
    raise NotComparable(f"a number or a time is needed to compare with {short(expected)}, but {found}")


def _above(looked: Looked, expected: Any) -> Verdict:
    actual, limit = _comparable(looked, expected)
    return actual > limit, ""


def _below(looked: Looked, expected: Any) -> Verdict:
    actual, limit = _comparable(looked, expected)
    return actual < limit, ""


def _at_least(looked: Looked, expected: Any) -> Verdict:
    actual, limit = _comparable(looked, expected)
    return actual >= limit, ""


def _at_most(looked: Looked, expected: Any) -> Verdict:
    actual, limit = _comparable(looked, expected)
    return actual <= limit, ""


def _approx(looked: Looked, expected: Any) -> Verdict:
    if not isinstance(expected, Mapping) or not _is_number(expected.get("within")):
        raise NotComparable("“approx” needs “value” and “within”")
    actual, target = _comparable(looked, expected.get("value"))
    away = abs(actual - target)
    unit = "" if _is_number(expected.get("value")) else " s"
    return away <= expected["within"], f"{short(looked.value)} is {float(f'{away:.6g}'):g}{unit} away"


OPERATIONS: dict[str, Callable[[Looked, Any], Verdict]] = {
    "equals": _equals,
    "contains": _contains,
    "matches": _matches,
    "type": _type,
    "count": _count,
    "above": _above,
    "below": _below,
    "at_least": _at_least,
    "at_most": _at_most,
    "approx": _approx,
    "exists": _exists,
    "one_of": _one_of,
    "same_items": _same_items,
    "in_order": _in_order,
    "schema": _schema,
}


def phrase(operator: str, expected: Any, shown: str, *, negated: bool, whole: bool) -> str:
    """What should be, behind “should”. *shown* is *expected* for people; of a *whole* its items are counted."""
    negation = "not " if negated else ""
    if operator == "exists":
        return "be there" if bool(expected) is not negated else "not be there"
    if operator == "approx" and isinstance(expected, Mapping):
        return f"{negation}be within {short(expected.get('within'))} of {short(expected.get('value'))}"
    if operator == "count" and whole:
        return f"{negation}have {shown} items"
    return negation + PHRASES[operator].format(shown)


PHRASES = {
    "equals": "be {}",
    "contains": "contain {}",
    "matches": "match {}",
    "type": "be of type {}",
    "count": "be found {} times",
    "above": "be above {}",
    "below": "be below {}",
    "at_least": "be at least {}",
    "at_most": "be at most {}",
    "approx": "be about {}",
    "exists": "exist: {}",
    "one_of": "be one of {}",
    "same_items": "have the items {}, in any order",
    "in_order": "have in this order {}",
    "schema": "fit the schema",
}
