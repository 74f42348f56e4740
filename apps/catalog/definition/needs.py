"""What a definition needs of the worker that executes it."""

from collections.abc import Mapping
from typing import Any

from apps.catalog.definition.kinds import find_kind

_PHASES = ("setup", "steps", "teardown")


def kinds_of(definition: Mapping[str, Any]) -> set[str]:
    """Names of the kinds of all steps, those of steps inside steps included."""
    found: set[str] = set()
    waiting: list[Any] = [definition.get(phase) for phase in _PHASES]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, Mapping):
            if isinstance(value.get("kind"), str):
                found.add(value["kind"])
            inside = value.get("with")
            waiting += [inside.get("steps"), inside.get("branches")] if isinstance(inside, Mapping) else []
            waiting.append(value.get("steps"))  # of a branch
    return found


def restricted_kinds(definition: Mapping[str, Any]) -> list[str]:
    """Those of its kinds that run only on workers that allow them, by name."""
    known = ((name, find_kind(name)) for name in kinds_of(definition))
    return sorted(name for name, kind in known if kind is not None and kind.restricted)
