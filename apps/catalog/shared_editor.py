"""What the editor of shared steps needs: both forms of one, and taking steps out of a case."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.catalog import reading
from apps.catalog.definition import (
    DefinitionError,
    shared_to_yaml,
    variables_used,
)
from apps.catalog.editor import fits_form
from apps.catalog.models import SharedStep
from apps.catalog.shared_reading import parsed
from apps.catalog.shared_services import save_shared
from apps.catalog.soundness import unsound
from apps.core.errors import DomainError
from apps.core.validation import refuse
from apps.systems.models import System

BLANK: dict[str, Any] = {"title": "", "steps": [{"name": "", "kind": "http", "with": {"url": ""}}]}


def shared_data(shared: SharedStep | None) -> dict[str, Any]:
    """A shared step as the editor opens it."""
    definition = shared.current.definition if shared and shared.current else BLANK
    return {
        "definition": definition,
        "yaml": shared_to_yaml(definition),
        "form": fits_form(definition),
        "based_on": shared.current.number if shared and shared.current else None,
        "slug": shared.slug if shared else "",
    }


def from_form(definition: Any) -> dict[str, Any]:
    """The YAML of a shared step that may still be wrong, with what is wrong in it."""
    if unkeepable := unsound(definition):
        raise reading.refusal(DefinitionError(unkeepable))
    problems = []
    try:
        parsed(definition)
    except DefinitionError as error:
        problems = error.problems
    try:
        text = shared_to_yaml(definition)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise reading.refusal(DefinitionError(problems)) from None
    return {"yaml": text, "errors": reading.as_errors(problems[: reading.MANY])}


def from_yaml(text: Any) -> dict[str, Any]:
    """The definition in *text*. DomainError with line and column when it is not valid."""
    if not isinstance(text, str):
        raise DomainError("invalid-json", _("“yaml” must be a text."))
    try:
        definition = parsed(text)
    except DefinitionError as error:
        raise reading.refusal(error) from None
    return {"definition": definition, "form": fits_form(definition), "errors": []}


def extract(system: System, title: Any, steps: Any, known: Any, *, author: User) -> tuple[SharedStep, dict[str, Any]]:
    """A new shared step of *steps*, and the step that calls it in their place.

    Of *known*, the names that earlier steps give, those that the steps use become its parameters.
    """
    if not isinstance(title, str) or not title.strip():
        raise refuse("title", _("Give the shared step a title."))
    if not isinstance(steps, list) or not steps or not all(isinstance(step, Mapping) for step in steps):
        raise refuse("steps", _("Choose at least one step."))
    names = {name for name in known or () if isinstance(name, str)}
    used = variables_used({"steps": steps}) & names
    definition = {"title": title.strip(), "parameters": dict.fromkeys(sorted(used)), "steps": steps}
    made = save_shared(system, definition, author, _("Taken out of a case"))
    arguments = {name: "{{ " + name + " }}" for name in sorted(used)}
    call = {
        "name": made.title,
        "kind": "call",
        "with": {"step": made.slug, **({"arguments": arguments} if arguments else {})},
    }
    return made, call
