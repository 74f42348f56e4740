"""The small languages inside a definition, compiled once and kept: templates, JSONPath, regular
expressions and JSON Schema.

Used twice: to refuse a definition that holds a broken one, and to evaluate it when a case runs.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol

import jsonschema_rs
import minijinja
import regex
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathQuery
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction
from jsonpath_rfc9535.segments import JSONPathChildSegment
from jsonpath_rfc9535.selectors import IndexSelector, NameSelector, WildcardSelector

REGEX_SECONDS = 0.2  # a pattern that backtracks for ever is stopped after this time
_KEPT = 2048
_MOST_FOUND = 100_000  # values of one path


class ExpressionError(ValueError):
    """A template, path, pattern or schema that cannot be understood; the text says why."""


class Validator(Protocol):
    """A compiled JSON Schema."""

    def iter_errors(self, instance: Any) -> Any: ...

    def is_valid(self, instance: Any) -> bool: ...


# -- templates ---------------------------------------------------------------------------------------

# A single expression of some ten thousand operators, or as many nested blocks, exhausts the stack of
# the parser, which ends the process. Texts up to _SIMPLE characters cannot; in longer ones look at each part.
_SIMPLE = 8_000
_LONGEST_PART = 4_000
_MOST_BLOCKS = 500
_PART = regex.compile(r"""\{[{%](?:"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+'|[^"'])*?[%}]\}""", regex.DOTALL)


def _refuse_endless(text: str) -> None:
    try:
        parts = _PART.findall(text, timeout=REGEX_SECONDS)
        rest = _PART.sub("", text, timeout=REGEX_SECONDS)
    except TimeoutError:
        raise ExpressionError("the template is too long") from None
    if (
        "{{" in rest
        or "{%" in rest
        or sum(part.startswith("{%") for part in parts) > _MOST_BLOCKS
        or any(len(part) > _LONGEST_PART for part in parts)
    ):
        raise ExpressionError("the template is too long")


# Without debug, errors do not quote the values of variables, which may be secrets.
_SYNTAX = minijinja.Environment(debug=False, undefined_behavior="strict")


def has_template(text: str) -> bool:
    """Whether *text* holds anything to render."""
    return "{" in text and ("{{" in text or "{%" in text or "{#" in text)


def template_names(text: str) -> frozenset[str]:
    """Names that the template *text* takes from outside. Raises ``ExpressionError``."""
    if len(text) > _SIMPLE:
        _refuse_endless(text)
    try:
        return frozenset(_SYNTAX.undeclared_variables_in_str(text))
    except minijinja.TemplateError as error:
        raise ExpressionError(error.detail or error.message) from None


_BRACES = ("{{", "}}", "{%", "%}", "{#", "#}")


def condition_names(text: str) -> frozenset[str]:
    """Names that the condition *text*, an expression without braces, takes from outside. Raises ``ExpressionError``."""
    _refuse_long(text)
    if any(braces in text for braces in _BRACES):
        raise ExpressionError("a condition is one expression without braces, like: total > 0")
    return template_names("{{ " + text + " }}")


def _refuse_long(text: str) -> None:
    if len(text) > _LONGEST_PART:
        raise ExpressionError(f"it is longer than {_LONGEST_PART} characters")


# -- JSONPath ----------------------------------------------------------------------------------------


class _TimedPattern(FilterFunction):
    """``match`` and ``search`` of RFC 9535 with a time limit."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def __call__(self, text: object, pattern: object) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        try:
            compiled = compile_regex(pattern)
        except ExpressionError:
            return False
        find = compiled.fullmatch if self._whole else compiled.search
        return find(text, timeout=REGEX_SECONDS) is not None


_PATHS = JSONPathEnvironment()
_PATHS.function_extensions["match"] = _TimedPattern(whole=True)
_PATHS.function_extensions["search"] = _TimedPattern(whole=False)


_EVERY = object()  # the wildcard among the steps of a path
_Step = str | int | object


class JSONPath:
    """A compiled path. *is_singular* says that it cannot find more than one value."""

    __slots__ = ("_query", "_steps", "is_singular")

    def __init__(self, query: JSONPathQuery) -> None:
        self._query = query
        self._steps = _steps(query)
        self.is_singular = query.singular_query()

    def find(self, value: Any) -> list[Any]:
        """Every value the path finds in *value*, in order. Raises ``ExpressionError``."""
        if self._steps is None:
            try:
                return [node.value for node in islice(self._query.finditer(value), _MOST_FOUND)]
            except JSONPathError as error:
                raise ExpressionError(str(error).splitlines()[0]) from None
        found = [value]
        for step in self._steps:
            found = [item for one in found for item in _children(one, step)]
        return found


def _steps(query: JSONPathQuery) -> tuple[_Step, ...] | None:
    """The path as names, indexes and wildcards, which is what most paths are; or nothing."""
    found: list[_Step] = []
    for segment in query.segments:
        selector = segment.selectors[0]
        if not isinstance(segment, JSONPathChildSegment) or len(segment.selectors) != 1:
            return None
        if isinstance(selector, NameSelector):
            found.append(selector.name)
        elif isinstance(selector, IndexSelector):
            found.append(selector.index)
        elif isinstance(selector, WildcardSelector):
            found.append(_EVERY)
        else:
            return None
    return tuple(found)


def _children(value: Any, step: _Step) -> Iterable[Any]:
    if isinstance(value, dict):
        if step is _EVERY:
            return value.values()
        return (value[step],) if isinstance(step, str) and step in value else ()
    if isinstance(value, list):
        if step is _EVERY:
            return value
        return (value[step],) if isinstance(step, int) and -len(value) <= step < len(value) else ()
    return ()


@lru_cache(_KEPT)
def compile_path(text: str) -> JSONPath:
    """The JSONPath (RFC 9535) in *text*. Raises ``ExpressionError``."""
    _refuse_long(text)
    try:
        return JSONPath(_PATHS.compile(text))
    except JSONPathError as error:
        raise ExpressionError(str(error).splitlines()[0]) from None
    except RecursionError:
        raise ExpressionError("it is nested too deeply") from None


# -- regular expressions -----------------------------------------------------------------------------


_TOKEN = regex.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*+\]|\{(?<low>\d*),?(?<high>\d*)\}|.", regex.DOTALL)
_LARGEST_PATTERN = 100_000


def _written_out(text: str) -> int:
    """How long the pattern is with its repetitions written out, which is what compiling it costs."""
    groups = [[1]]
    for token in _TOKEN.finditer(text):
        if token[0] == "(":
            groups.append([1])
        elif token[0] == ")" and len(groups) > 1:
            groups[-2].append(sum(groups.pop()))
        elif token["low"] or token["high"]:
            groups[-1][-1] *= max(int(token["low"] or 0), int(token["high"] or 0), 1)
        else:
            groups[-1].append(1)
    return sum(map(sum, groups))


@lru_cache(_KEPT)
def compile_regex(text: str) -> regex.Pattern[str]:
    """The regular expression in *text*. Search with ``timeout=REGEX_SECONDS``."""
    _refuse_long(text)
    if _written_out(text) > _LARGEST_PATTERN:
        raise ExpressionError("its repetitions are too large")
    try:
        return regex.compile(text)
    except (regex.error, OverflowError) as error:
        raise ExpressionError(str(error)) from None
    except RecursionError:
        raise ExpressionError("it is nested too deeply") from None


# -- JSON Schema -------------------------------------------------------------------------------------


def compile_schema(schema: Any) -> Validator:
    """The JSON Schema *schema*; references to other documents are not followed."""
    if not isinstance(schema, Mapping | bool):
        raise ExpressionError("a JSON Schema is an object or a boolean")
    return _compile_schema(json.dumps(schema))


@lru_cache(256)
def _compile_schema(text: str) -> Validator:
    try:
        return jsonschema_rs.validator_for(json.loads(text), offline=True, pattern_options=jsonschema_rs.RegexOptions())
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise ExpressionError(str(error).splitlines()[0]) from None
