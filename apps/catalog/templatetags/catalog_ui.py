"""Template tags of the catalog: steps in words, and lines of a diff."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django import template

from apps.catalog.definition import find_kind, shared_to_yaml, to_yaml
from apps.catalog.words import StepWords, steps_in_words

register = template.Library()
_KINDS = {"+": "ins", "-": "del", "@": "hunk"}


@register.simple_tag
def case_steps(definition: Mapping[str, Any]) -> dict[str, list[StepWords]]:
    """``steps`` and ``teardown`` of a definition in words."""
    return steps_in_words(definition)


@register.filter
def as_yaml(definition: Mapping[str, Any]) -> str:
    """The definition as YAML text."""
    return to_yaml(definition)


@register.filter
def shared_as_yaml(definition: Mapping[str, Any]) -> str:
    """A shared step as YAML text."""
    return shared_to_yaml(definition)


@register.filter
def json_line(value: Any) -> str:
    """A value on one line; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def kind_icon(name: str) -> str:
    """Icon of a step kind."""
    kind = find_kind(name)
    return kind.icon if kind else "help"


@register.inclusion_tag("catalog/diff.html")
def yaml_changes(lines: Iterable[str], label: str) -> dict[str, Any]:
    """Lines of a unified diff, marked by sign and colour; *label* names them for screen readers."""
    return {"lines": [(_KINDS.get(line[:1], "same"), line[1:]) for line in lines], "label": label}
