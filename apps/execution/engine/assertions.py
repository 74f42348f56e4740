"""Evaluation of checks and captures on what an executor saw."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from apps.catalog.definition import xpath
from apps.catalog.definition.canonical import CHECK_KEYS, group_of
from apps.catalog.definition.expressions import (
    REGEX_SECONDS,
    ExpressionError,
    compile_path,
    compile_regex,
)
from apps.catalog.definition.fields import Kind, Subject
from apps.execution.engine.differences import bounded, short
from apps.execution.engine.diffs import difference, projected, short_pair
from apps.execution.engine.items import aligned
from apps.execution.engine.model import CheckResult
from apps.execution.engine.operators import OPERATIONS, Looked, NotComparable, phrase
from apps.execution.executors.base import NotObserved, Observed

_MAX_MATCHES = 10_000


class CaptureError(Exception):
    """A value to capture is not there."""


def evaluate(kind: Kind, check: Mapping[str, Any], observed: Observed, *, implied: bool = False) -> CheckResult:
    """How *check* (rendered) goes on *observed*. Never raises on what the other side sent."""
    if "check" not in check:
        return _group(kind, check, observed)
    operator = _operator(check)
    expected = check[operator]
    negated = bool(check.get("not"))
    result = CheckResult(_described(check, operator), False, expected=bounded(expected), implied=implied)
    subject = kind.subject(check["check"])
    if subject is None:
        result.message = f"a step of kind {kind.name} has no “{check['check']}”"
        return result
    try:
        looked = look(subject, check.get("at", ""), observed)
        result.actual = bounded(looked.value)
        passed, detail = OPERATIONS[operator](looked, expected)
    except (NotObserved, NotComparable, ExpressionError) as error:
        result.message = str(error)
        return result
    except (ValueError, RecursionError) as error:  # values that a library cannot take
        result.message = f"the value cannot be checked: {error}"
        return result
    except TimeoutError:
        result.message = f"the regular expression did not end within {REGEX_SECONDS} s on this text"
        return result
    result.passed = passed is not negated
    if not result.passed:
        result.message = _message(check, operator, expected, looked, detail if not negated else "")
        if not negated:
            result.diff = _difference(operator, expected, looked)
    return result


def _difference(operator: str, expected: Any, looked: Looked) -> str:
    if operator == "equals":
        return difference(expected, looked.value)
    if operator == "contains" and isinstance(expected, dict):
        return difference(expected, projected(looked.value, expected))
    if operator == "same_items" and isinstance(expected, list):
        return difference(expected, aligned(looked.items, expected))
    return ""


def _group(kind: Kind, check: Mapping[str, Any], observed: Observed) -> CheckResult:
    """Whether any, or all, of the checks in *check* hold; or, with ``not``, whether that is not so."""
    group = group_of(check)
    parts = [evaluate(kind, one, observed) for one in check[group]]
    holds = [part.passed for part in parts]
    result = CheckResult(describe(check), (any(holds) if group == "any" else all(holds)) is not bool(check.get("not")))
    if result.passed:
        return result
    result.expected = [part.label for part in parts]
    result.actual = [part.message or "it holds" for part in parts]
    if check.get("not"):
        held = [part.label for part in parts if part.passed]
        which = "all of these" if group == "all" else "one of these"
        result.message = f"{which} should not hold, but {'they do' if len(held) > 1 else 'it does'}: {'; '.join(held)}"
    else:
        words = "none of {} checks holds" if group == "any" else "not all of {} checks hold"
        failed = [part.message for part in parts if not part.passed]
        result.message = f"{words.format(len(parts))}: {short('; '.join(failed), 600)[1:-1]}"
        result.diff = next((part.diff for part in parts if part.diff), "") if len(parts) == 1 else ""
    return result


def _operator(check: Mapping[str, Any]) -> str:
    for key in check:
        if key not in CHECK_KEYS:
            return key
    raise KeyError("operator")


def describe(check: Mapping[str, Any]) -> str:
    """The check in one line: ``json $.total not equals 12``."""
    if "check" not in check:
        group = group_of(check)
        parts = "; ".join(describe(one) for one in check[group])
        return f"{'not ' if check.get('not') else ''}{group} of ({parts})"
    return _described(check, _operator(check))


def _described(check: Mapping[str, Any], operator: str) -> str:
    shown = "" if operator == "schema" else short(check[operator], 80)
    return _label(check["check"], check.get("at", ""), check.get("not", False), operator, shown)


@lru_cache(4096)
def _label(subject: str, at: str, negated: bool, operator: str, shown: str) -> str:
    words = (subject, at, "not" if negated else "", operator.replace("_", " "), shown)
    return " ".join(word for word in words if word)


def _message(check: Mapping[str, Any], operator: str, expected: Any, looked: Looked, detail: str) -> str:
    what = " ".join(word for word in (check["check"], check.get("at", "")) if word)
    wanted, seen = (
        short_pair(expected, looked.value) if operator == "equals" else (short(expected), short(looked.value))
    )
    words = phrase(operator, expected, wanted, negated=bool(check.get("not")), whole=looked.is_whole)
    actual = f"nothing was found at {check.get('at') or what}" if looked.missing else f"it is {seen}"
    return f"{what} should {words}, but {detail or actual}"


def look(subject: Subject, at: str, observed: Observed) -> Looked:
    """What *subject* at *at* shows. Raises ``NotObserved``, ``ExpressionError`` or ``TimeoutError``."""
    value = observed.subject(subject.name)
    if subject.at in ("locator", "attribute"):
        return _at_place(value, at, is_text=subject.value == "text")
    if subject.at == "name":
        found = value.get(at.lower())
        return Looked.one(found, is_text=True) if found is not None else Looked.nothing()
    if not at:
        return Looked.whole(value, is_text=subject.value == "text")
    if subject.at == "jsonpath":
        return _at_path(value, at)
    if subject.at == "xpath":
        found = xpath.find(value, at)
        return Looked(found[0] if len(found) == 1 else found, found, is_text=True) if found else Looked.nothing()
    return _at_pattern(value, at)


def _at_place(value: Mapping[str, list[Any]], at: str, *, is_text: bool) -> Looked:
    """What the executor found there: a value for each element."""
    found = value.get(at, [])
    return Looked(found[0] if len(found) == 1 else found, found, is_text=is_text) if found else Looked.nothing()


def _at_path(value: Any, at: str) -> Looked:
    path = compile_path(at)
    try:
        found = path.find(value)
    except RecursionError:
        raise NotObserved("the value is nested too deeply for this path") from None
    if len(found) == 1:
        return Looked(found[0], found)
    if path.is_singular:
        return Looked.nothing()
    return Looked(found, found)


def _at_pattern(value: str, at: str) -> Looked:
    pattern = compile_regex(at)
    found = islice(pattern.finditer(value, timeout=REGEX_SECONDS), _MAX_MATCHES)
    matches = [match.group(1 if pattern.groups else 0) for match in found]
    return Looked(matches[0], matches, is_text=True) if matches else Looked.nothing()


def is_there(kind: Kind, source: Mapping[str, Any], observed: Observed) -> bool:
    """Whether the value to capture is there."""
    try:
        capture(kind, "", source, observed)
    except CaptureError:
        return False
    return True


def capture(kind: Kind, name: str, source: Mapping[str, Any], observed: Observed) -> Any:
    """The value to keep as *name*. Raises ``CaptureError``."""
    subject = kind.subject(source["from"])
    at = source.get("at", "")
    if subject is None:
        raise CaptureError(f"“{name}” cannot be captured: a step of kind {kind.name} has no “{source['from']}”")
    try:
        looked = look(subject, at, observed)
    except (NotObserved, ExpressionError) as error:
        raise CaptureError(f"“{name}” cannot be captured: {error}") from None
    except TimeoutError:
        raise CaptureError(f"“{name}” cannot be captured: its pattern takes too long") from None
    if looked.missing or not looked.found:
        where = " ".join(word for word in (subject.name, at) if word)
        raise CaptureError(f"“{name}” cannot be captured: nothing was found at {where}")
    return looked.value
