"""From what a person or a program sent to a definition that can be kept, with everything it names found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext

from apps.catalog.definition import (
    DefinitionError,
    Problem,
    normalise,
    parse_yaml,
    steps_of,
    validate,
    validate_step,
    yaml_reader,
)
from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import path_text
from apps.catalog.models import SharedStep
from apps.catalog.shared_reading import call_problems, called
from apps.catalog.soundness import unsound
from apps.core.errors import DomainError
from apps.environments.models import Dataset
from apps.systems.models import IntegrationPoint, System

MANY = 20  # problems told at once


@dataclass(frozen=True, slots=True)
class Draft:
    """A valid definition in canonical form, and the rows that it names by slug."""

    definition: dict[str, Any]
    dataset: Dataset | None
    points: list[IntegrationPoint]
    shared: list[SharedStep]


def read(system: System, source: Mapping[str, Any] | str) -> Draft:
    """The definition in *source* (JSON data, or YAML text). DefinitionError tells all that is wrong, and where."""
    definition = parse_yaml(source) if isinstance(source, str) else _checked(source)
    try:
        if problems := unsound(definition):
            raise DefinitionError(problems)
        return _find_references(system, definition)
    except DefinitionError as error:
        raise DefinitionError(placed(error.problems, source)) from None


def check_step(step: Any) -> list[Problem]:
    """Everything that is wrong in a single *step*; its references are not looked up."""
    return unsound(step) or validate_step(step)


def _checked(data: Mapping[str, Any]) -> dict[str, Any]:
    if problems := unsound(data) or validate(data):
        raise DefinitionError(problems)
    return normalise(data)


def _find_references(system: System, definition: dict[str, Any]) -> Draft:
    points = _points(system, definition)
    problems = _unknown_points(definition, points)
    shared = called(system, definition)
    problems += call_problems(definition, shared)
    slug = definition.get("dataset", "")
    dataset = system.datasets.filter(slug=slug).first() if slug else None
    if slug and dataset is None:
        problems.append(Problem("dataset", _("there is no data set “{slug}” in this system"), {"slug": slug}))
    if problems:
        raise DefinitionError(problems)
    return Draft(definition, dataset, list(points.values()), list(shared.values()))


def point_problems(system: System, definition: Mapping[str, Any]) -> list[Problem]:
    """Integration points that *definition* names and the system has not."""
    return _unknown_points(definition, _points(system, definition))


def _points(system: System, definition: Mapping[str, Any]) -> dict[str, IntegrationPoint]:
    slugs = {slug for _path, slug in _points_named(definition)}
    return {point.slug: point for point in system.points.filter(slug__in=slugs)} if slugs else {}


def _unknown_points(definition: Mapping[str, Any], known: Mapping[str, IntegrationPoint]) -> list[Problem]:
    text = _("there is no integration point “{slug}” in this system")
    return [Problem(path, text, {"slug": slug}) for path, slug in _points_named(definition) if slug not in known]


def _points_named(definition: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for index, slug in enumerate(definition.get("points", ())):
        yield f"points[{index}]", slug
    for path, step in steps_of(definition):
        if step.get("point"):
            yield f"{path}.point", step["point"]


def placed(problems: Sequence[Problem], source: Mapping[str, Any] | str) -> list[Problem]:
    """*problems* with line and column, where *source* is text."""
    if not isinstance(source, str):
        return list(problems)
    places = {path_text(path): place for path, place in yaml_reader.read(source)[1].items()}
    return [replace(p, line=places[p.path][0], column=places[p.path][1]) if p.path in places else p for p in problems]


def in_words(problem: Problem) -> str:
    """What is wrong, in the reader's language."""
    return gettext(problem.text).format(**problem.params)


def as_errors(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as the ``errors`` of problem JSON: field, line, column (0: unknown), detail."""
    return [{"field": p.path, "line": p.line, "column": p.column, "detail": in_words(p)} for p in problems]


def refusal(error: DefinitionError) -> DomainError:
    """The error for pages and the API."""
    first = error.problems[0]
    where = gettext("line %(line)d, column %(column)d") % {"line": first.line, "column": first.column}
    place = where if first.line else first.path
    detail = f"{place}: {in_words(first)}" if place else in_words(first)
    return DomainError("invalid-definition", detail, status=422, errors=as_errors(error.problems[:MANY]))
