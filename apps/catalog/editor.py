"""What the editor of cases needs to know: kinds as data, what can be chosen, and both forms of a case."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.catalog import reading
from apps.catalog.case_services import PRIORITY, known_kinds_only
from apps.catalog.definition import (
    OPERATORS,
    DefinitionError,
    canonical,
    kinds,
    parse_yaml,
    to_yaml,
    validate,
)
from apps.catalog.models import SharedStep, TestCase
from apps.catalog.soundness import unsound
from apps.catalog.suite_tree import tree
from apps.core.errors import DomainError
from apps.environments.models import DataRow
from apps.systems.models import System

EXACT = 2**53 - 1  # larger whole numbers lose digits in a browser
ROWS = 50  # data rows offered when a step is tried


def choices(system: System) -> dict[str, Any]:
    """Everything that can be chosen in *system*: suites, points, data sets, environments, workflows, tags."""
    points = system.points.select_related("consumer", "provider")
    environments = system.environments.all()
    return {
        "suites": [{"id": node.pk, "name": "\u2003" * node.depth + node.suite.name} for node in tree(system)],
        "points": [{"slug": point.slug, "name": str(point), "protocol": point.protocol} for point in points],
        "datasets": [_dataset(dataset) for dataset in system.datasets.prefetch_related("rows")],
        "environments": [{"slug": one.slug, "name": one.name} for one in environments],
        "workflows": list(system.workflows.values("slug", "name")),
        "shared": _shared(system),
        "priorities": [{"name": name, "label": str(priority.label)} for name, priority in PRIORITY.items()],
    }


def _shared(system: System) -> list[dict[str, Any]]:
    rows = system.shared_steps.filter(is_archived=False).select_related("current")
    return [shared_choice(shared) for shared in rows]


def shared_choice(shared: SharedStep) -> dict[str, Any]:
    """A shared step as the form of a call offers it."""
    parameters = shared.current.definition.get("parameters", {}) if shared.current else {}
    told = [{"name": name, "required": "default" not in one, **one} for name, one in parameters.items()]
    return {"slug": shared.slug, "title": shared.title, "parameters": told}


def _dataset(dataset: Any) -> dict[str, Any]:
    rows: list[DataRow] = list(dataset.rows.all()[:ROWS])
    return {
        "slug": dataset.slug,
        "name": dataset.name,
        "columns": dataset.columns,
        "rows": [{"label": str(row), "values": row.values} for row in rows],
    }


def format_data() -> dict[str, Any]:
    """Kinds and operators with their words in the reader's language."""
    return {
        "kinds": [_translated(kind.as_dict()) for kind in kinds()],
        "operators": {name: _translated(operator.as_dict()) for name, operator in OPERATORS.items()},
        "defaults": {
            "priority": canonical.DEFAULT_PRIORITY,
            "case_timeout": canonical.DEFAULT_CASE_TIMEOUT,
            "step_timeout": canonical.DEFAULT_STEP_TIMEOUT,
            "retry_every": canonical.DEFAULT_RETRY_EVERY,
        },
    }


def _translated(data: Any) -> Any:
    if isinstance(data, dict):
        words = {name: _(data[name]) for name in ("label", "summary", "help") if data.get(name)}
        return {name: _translated(value) for name, value in data.items()} | words
    return [_translated(item) for item in data] if isinstance(data, list) else data


def case_data(case: TestCase | None, definition: Mapping[str, Any]) -> dict[str, Any]:
    """A case as the editor opens it."""
    return {
        "definition": definition,
        "yaml": to_yaml(definition),
        "form": fits_form(definition),
        "based_on": case.current.number if case and case.current else None,
        "suite": case.suite_id if case else None,
        "status": case.status if case else TestCase.Status.ACTIVE,
        "workflow": case.workflow.slug if case and case.workflow else "",
    }


def fits_form(definition: Mapping[str, Any]) -> bool:
    """Whether a browser's form can hold the case without loss: known kinds, and no numbers beyond its own."""
    return known_kinds_only(definition) and not _has_huge_number(definition)


def _has_huge_number(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_huge_number(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_huge_number(item) for item in value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT


def from_form(system: System, definition: Any) -> dict[str, Any]:
    """The YAML of a case that may still be wrong, with what is wrong in it. DomainError when it has no YAML at all."""
    if unkeepable := unsound(definition):
        raise reading.refusal(DefinitionError(unkeepable))
    problems = validate(definition) or _problems(system, definition)
    try:
        text = to_yaml(definition)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise reading.refusal(DefinitionError(problems)) from None
    return {"yaml": text, "errors": reading.as_errors(problems[: reading.MANY])}


def from_yaml(system: System, text: Any) -> dict[str, Any]:
    """The definition in *text*, with unknown slugs as errors. DomainError with line and column when it is not valid."""
    if not isinstance(text, str):
        raise DomainError("invalid-json", _("“yaml” must be a text."))
    try:
        definition = parse_yaml(text)
    except DefinitionError as error:
        raise reading.refusal(error) from None
    errors = reading.as_errors(_problems(system, text))
    return {"definition": definition, "form": fits_form(definition), "errors": errors}


def _problems(system: System, source: Mapping[str, Any] | str) -> Any:
    try:
        reading.read(system, source)
    except DefinitionError as error:
        return error.problems
    return []
