"""What a definition needs and touches, read off without running it."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.catalog.definition.expressions import ExpressionError, has_template, template_names

# Names that every case has, and the functions of templates.
BUILT_IN_NAMES = frozenset({"run_id", "execution_id", "seed", "attempt", "environment"})
FUNCTION_NAMES = frozenset({"uuid", "now", "random_int", "base64", "hmac_sha256"})
LANGUAGE_NAMES = frozenset({"range", "dict", "namespace", "loop", "true", "false", "none"})


def texts(value: Any) -> Iterator[str]:
    """Every text in *value*, names of mappings included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def names_in(value: Any) -> set[str]:
    """Names that the templates in *value* use; broken templates are passed over."""
    found: set[str] = set()
    for text in texts(value):
        if has_template(text):
            try:
                found |= template_names(text)
            except ExpressionError:
                continue
    return found - FUNCTION_NAMES - LANGUAGE_NAMES


def variables_used(definition: Mapping[str, Any]) -> set[str]:
    """Names that the case takes from the environment or the data row.

    What an earlier step captured and what every case has is left out.
    """
    captured: set[str] = set()
    used: set[str] = set()
    for step in [*(definition.get("steps") or []), *(definition.get("teardown") or [])]:
        used |= names_in([step.get("with"), step.get("expect"), step.get("capture")]) - captured
        captured |= set(step.get("capture") or {})
    return used - BUILT_IN_NAMES


def points_of(definition: Mapping[str, Any]) -> list[str]:
    """Slugs of the integration points that the case covers: its own, then those of its steps."""
    found = list(definition.get("points") or [])
    for step in [*(definition.get("steps") or []), *(definition.get("teardown") or [])]:
        found.append(step.get("point") or "")
    return [slug for slug in dict.fromkeys(found) if slug]
