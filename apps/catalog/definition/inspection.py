"""What a definition needs and touches, read off without running it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from apps.catalog.definition.canonical import PHASES
from apps.catalog.definition.expressions import ExpressionError, condition_names, has_template, template_names

# Names that every case has, and the functions of templates.
BUILT_IN_NAMES = frozenset({"run_id", "execution_id", "seed", "attempt", "environment"})
FUNCTION_NAMES = frozenset({
    "uuid", "random_int", "random_float", "random_string", "choice", "now", "date", "base64", "base64_decode",
    "url_encode", "sha256", "hmac_sha256", "jwt", "mailbox", "webhook",
})  # fmt: skip
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


def steps_of(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and mapping of every step of a case or shared step, those inside others, too."""
    for phase in PHASES:
        yield from _steps(definition.get(phase) or [], phase)


def _steps(steps: Iterable[Mapping[str, Any]], place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, step in enumerate(steps):
        here = f"{place}[{index}]"
        yield here, step
        for path, inner in _inside(step):
            yield from _steps(inner, f"{here}.with{path}")


def _inside(step: Mapping[str, Any]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The lists of steps in *step*, each with its path below ``with``."""
    given = step.get("with")
    if step.get("kind") == "repeat" and isinstance(given, Mapping):
        yield ".steps", given.get("steps") or []
    elif step.get("kind") == "parallel" and isinstance(given, Mapping):
        for index, branch in enumerate(given.get("branches") or []):
            yield f".branches[{index}].steps", branch.get("steps") or []


def variables_used(definition: Mapping[str, Any]) -> set[str]:
    """Names that the case takes from the environment or the data row; of a shared step, also from its caller.

    What an earlier step gives, what every case has, and parameters are left out.
    """
    known = set(definition.get("parameters") or {})
    used: set[str] = set()
    for phase in PHASES:
        used |= _used(definition.get(phase) or [], known)
    return used - BUILT_IN_NAMES


def _used(steps: Iterable[Mapping[str, Any]], known: set[str]) -> set[str]:
    """Names that *steps* take from before them; *known* grows with what they give."""
    used: set[str] = set()
    for step in steps:
        used |= own_names(step) - known
        inside = [inner for _path, inner in _inside(step)]
        given: set[str] = set()
        for inner in inside:
            names = {*known, (step.get("with") or {}).get("as") or "item"}
            used |= _used(inner, names)
            given |= names - {(step.get("with") or {}).get("as") or "item"}
        known |= given | set(step.get("capture") or {})
        if step.get("kind") == "set":
            known |= set((step.get("with") or {}).get("values") or {})
    return used


def own_names(step: Mapping[str, Any]) -> set[str]:
    """Names that *step* itself uses, without the steps inside it."""
    given = step.get("with")
    if isinstance(given, Mapping) and step.get("kind") == "parallel":
        given = [branch.get("count") for branch in given.get("branches") or []]
    elif isinstance(given, Mapping) and step.get("kind") == "repeat":
        given = {name: value for name, value in given.items() if name != "steps"}
    used = names_in([given, step.get("expect"), step.get("capture"), step.get("retry")])
    if step.get("when"):
        with suppress(ExpressionError):
            used |= condition_names(step["when"]) - FUNCTION_NAMES - LANGUAGE_NAMES
    return used


def points_of(definition: Mapping[str, Any]) -> list[str]:
    """Slugs of the integration points that the case covers: its own, then those of its steps."""
    found = [*(definition.get("points") or []), *(step.get("point") or "" for _path, step in steps_of(definition))]
    return [slug for slug in dict.fromkeys(found) if slug]


def calls_of(definition: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Path and short name of every shared step that is called."""
    return [
        (f"{path}.with.step", step["with"]["step"])
        for path, step in steps_of(definition)
        if step.get("kind") == "call" and isinstance(step.get("with"), Mapping) and step["with"].get("step")
    ]
