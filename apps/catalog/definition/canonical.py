"""The canonical form of a definition: short forms written out, defaults left out, keys in order."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.catalog.definition.fields import Field
from apps.catalog.definition.kinds import find_kind

DEFAULT_PRIORITY = "medium"
PRIORITIES = ("low", "medium", "high", "critical")
DEFAULT_CASE_TIMEOUT = 120.0
DEFAULT_STEP_TIMEOUT = 30.0
DEFAULT_RETRY_EVERY = 0.5

PHASES = ("setup", "steps", "teardown")
CASE_KEYS = (
    "title", "description", "priority", "tags", "points", "dataset", "timeout", "retries", "exclusive", *PHASES,
)  # fmt: skip
SHARED_KEYS = ("title", "slug", "description", "parameters", "steps")
PARAMETER_KEYS = ("default", "description")
STEP_KEYS = ("name", "kind", "when", "point", "timeout", "optional", "with", "expect", "capture", "retry")
CHECK_KEYS = ("check", "at", "not")
GROUP_KEYS = ("any", "all")  # a check that is made of others
CAPTURE_KEYS = ("from", "at", "secret")
RETRY_KEYS = ("for", "every", "until")

_CASE_DEFAULTS = {
    "title": None,
    "description": "",
    "priority": DEFAULT_PRIORITY,
    "dataset": "",
    "timeout": DEFAULT_CASE_TIMEOUT,
}
_STEP_DEFAULTS = {"when": "", "point": "", "timeout": DEFAULT_STEP_TIMEOUT, "optional": False}


def normalise(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a valid *definition*; a canonical one comes back equal."""
    case: dict[str, Any] = {}
    for key in CASE_KEYS:
        value = definition.get(key)
        if key in PHASES:
            steps = [_step(step) for step in value or []]
            if steps or key == "steps":
                case[key] = steps
        elif _says_something(key, value, _CASE_DEFAULTS):
            case[key] = value
    return case


def normalise_shared(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a valid shared step."""
    shared: dict[str, Any] = {"title": definition["title"]}
    for key in ("slug", "description"):
        if definition.get(key):
            shared[key] = definition[key]
    if definition.get("parameters"):
        shared["parameters"] = {name: _parameter(given) for name, given in definition["parameters"].items()}
    return {**shared, "steps": [_step(step) for step in definition["steps"]]}


def _parameter(given: Any) -> dict[str, Any]:
    """What is told of a parameter; a plain value is its default."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return {"default": given}
    return {key: given[key] for key in PARAMETER_KEYS if key in given and (key == "default" or given[key])}


def bare(expression: str) -> str:
    """A condition without the braces in which people write it from habit."""
    text = expression.strip()
    return text[2:-2].strip() if text.startswith("{{") and text.endswith("}}") else text


def _says_something(key: str, value: Any, defaults: Mapping[str, Any]) -> bool:
    if value is None or value == [] or value == {}:
        return False
    return key not in defaults or defaults[key] != value


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key in STEP_KEYS:
        value = step.get(key)
        if _says_something(key, value, _STEP_DEFAULTS):
            value = _part(key, value, step.get("kind", ""))
        if _says_something(key, value, _STEP_DEFAULTS):
            result[key] = value
    return result


def _part(key: str, value: Any, kind_name: str) -> Any:
    kind = find_kind(kind_name)
    if key == "with":
        return dict(value) if kind is None else _fields(kind.fields, value)
    if key == "expect":
        return [_check(check) for check in value]
    if key == "capture":
        return {name: _capture(source, kind.main if kind else "") for name, source in value.items()}
    if key == "retry":
        return _retry(value)
    return bare(value) if key == "when" else value


def _retry(given: Mapping[str, Any]) -> dict[str, Any]:
    retry = {"for": given["for"], "every": given.get("every", DEFAULT_RETRY_EVERY)}
    return {**retry, "until": [_check(check) for check in given["until"]]} if given.get("until") else retry


def _fields(fields: tuple[Field, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in the order of their description, without those that say what holds anyway."""
    result: dict[str, Any] = {}
    for field in fields:
        if field.name not in given:
            continue
        value = given[field.name]
        if field.type == "object" and isinstance(value, Mapping):
            value = _fields(field.fields, value)
        elif field.type == "objects" and isinstance(value, list):
            value = [_fields(field.fields, item) if isinstance(item, Mapping) else item for item in value]
        elif field.type == "steps" and isinstance(value, list):
            value = [_step(step) for step in value]
        elif field.type != "json" and (value is None or value in ([], {}) or value == field.default):
            continue
        result[field.name] = value
    return result


def group_of(check: Mapping[str, Any]) -> str:
    """``any`` or ``all`` for a check that is made of others, else ""."""
    return next((key for key in GROUP_KEYS if key in check), "")


def subjects_of(checks: Iterable[Mapping[str, Any]]) -> set[str]:
    """What *checks* look at, those inside groups, too."""
    found: set[str] = set()
    for check in checks:
        found |= {check["check"]} if "check" in check else subjects_of(check[group_of(check)])
    return found


def places_of(checks: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Subject and ``at`` of each of *checks*, of those inside groups, too."""
    for check in checks:
        if "check" in check:
            yield check["check"], check.get("at", "")
        else:
            yield from places_of(check[group_of(check)])


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    group = group_of(check)
    if group:
        parts = {group: [_check(one) for one in check[group]]}
        return {**parts, "not": True} if check.get("not") else parts
    operator = next((key for key in check if key not in CHECK_KEYS), None)
    result: dict[str, Any] = {"check": check["check"]}
    if check.get("at"):
        result["at"] = check["at"]
    if operator is not None:
        result[operator] = check[operator]
    if check.get("not"):
        result["not"] = True
    return result


def _capture(source: Any, main: str) -> dict[str, Any]:
    if isinstance(source, str):
        return {"from": main, "at": source}
    result: dict[str, Any] = {"from": source.get("from") or main}
    if source.get("at"):
        result["at"] = source["at"]
    if source.get("secret"):
        result["secret"] = True
    return result


def blank_case(title: str = "") -> dict[str, Any]:
    """What the editor starts a new case with."""
    return {"title": title, "steps": [{"name": "", "kind": "http", "with": {"url": ""}}]}
