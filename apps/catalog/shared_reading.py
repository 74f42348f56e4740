"""Shared steps as text or data, and whether what calls them fits them."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.catalog.definition import (
    DefinitionError,
    Problem,
    calls_of,
    normalise_shared,
    parse_shared_yaml,
    steps_of,
    validate_shared,
)
from apps.catalog.definition.marks import _
from apps.catalog.models import SharedStep
from apps.catalog.soundness import unsound
from apps.systems.models import System


def parsed(source: Mapping[str, Any] | str) -> dict[str, Any]:
    """The canonical shared step in *source* (JSON data, or YAML text). Raises ``DefinitionError``."""
    if isinstance(source, str):
        return parse_shared_yaml(source)
    if problems := unsound(source) or validate_shared(source):
        raise DefinitionError(problems)
    return normalise_shared(source)


def called(system: System, definition: Mapping[str, Any]) -> dict[str, SharedStep]:
    """The shared steps that *definition* calls, by short name, with their current revisions."""
    slugs = {slug for _path, slug in calls_of(definition)}
    if not slugs:
        return {}
    found = system.shared_steps.filter(slug__in=slugs, is_archived=False).select_related("current")
    return {shared.slug: shared for shared in found}


def call_problems(definition: Mapping[str, Any], known: Mapping[str, SharedStep]) -> list[Problem]:
    """What is wrong with the calls in *definition*: unknown shared steps, and values that do not fit."""
    problems: list[Problem] = []
    for path, step in steps_of(definition):
        if step.get("kind") != "call":
            continue
        slug = step["with"]["step"]
        shared = known.get(slug)
        if shared is None or shared.current is None:
            text = _("there is no shared step “{slug}” in this system")
            problems.append(Problem(f"{path}.with.step", text, {"slug": slug}))
        else:
            parameters = shared.current.definition.get("parameters", {})
            problems += _argument_problems(f"{path}.with", slug, step["with"].get("arguments", {}), parameters)
    return problems


def _argument_problems(
    path: str, slug: str, arguments: Iterable[str], parameters: Mapping[str, Mapping[str, Any]]
) -> list[Problem]:
    given = set(arguments)
    unknown = [
        Problem(f"{path}.arguments.{name}", _("the shared step “{slug}” has no parameter “{name}”"), here)
        for name in given - parameters.keys()
        for here in [{"slug": slug, "name": name}]
    ]
    missing = [
        Problem(path, _("the shared step “{slug}” needs a value for “{name}”"), {"slug": slug, "name": name})
        for name, parameter in parameters.items()
        if "default" not in parameter and name not in given
    ]
    return unknown + missing
