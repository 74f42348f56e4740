"""Validation of whole definitions, and reading them from YAML."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.catalog.definition import yaml_reader
from apps.catalog.definition.canonical import (
    CASE_KEYS,
    PARAMETER_KEYS,
    PHASES,
    PRIORITIES,
    SHARED_KEYS,
    normalise,
    normalise_shared,
)
from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import DefinitionError, Path, Problem, Problems
from apps.catalog.definition.step_validation import MAX_STEPS, StepValidator
from apps.catalog.definition.suggestions import unknown_key
from apps.catalog.definition.values import FieldChecker, variable_name

MAX_TITLE = 200
MAX_TEXT = 20_000
MAX_TAG = 40
MAX_RETRIES = 5
MAX_EXCLUSIVE = 10
MAX_PARAMETERS = 50

__all__ = ["MAX_STEPS", "parse_shared_yaml", "parse_yaml", "validate", "validate_shared", "validate_step"]


def parse_yaml(text: str) -> dict[str, Any]:
    """The canonical definition in the YAML *text*. Raises ``DefinitionError`` with every problem."""
    return normalise(_read(text, lambda problems, data: _Validator(problems).case(data)))


def parse_shared_yaml(text: str) -> dict[str, Any]:
    """The canonical shared step in the YAML *text*. Raises ``DefinitionError`` with every problem."""
    return normalise_shared(_read(text, lambda problems, data: _Validator(problems).shared(data)))


def _read(text: str, check: Callable[[Problems, Any], None]) -> Any:
    data, positions = yaml_reader.read(text)
    problems = Problems(positions)
    check(problems, data)
    if problems:
        raise DefinitionError(problems.in_order())
    return data


def validate(definition: Any) -> list[Problem]:
    """Everything that is wrong in *definition*; empty when it can be used."""
    problems = Problems()
    _Validator(problems).case(definition)
    return problems.in_order()


def validate_shared(definition: Any) -> list[Problem]:
    """Everything that is wrong in a shared step; empty when it can be used."""
    problems = Problems()
    _Validator(problems).shared(definition)
    return problems.in_order()


def validate_step(step: Any) -> list[Problem]:
    """Everything that is wrong in a single *step*, as the editor tries it."""
    problems = Problems()
    StepValidator(problems).step(step, ())
    return problems.in_order()


class _Validator:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._step = StepValidator(problems)

    def case(self, data: Any) -> None:
        if not isinstance(data, Mapping):
            self._problems.add((), _("a case is a mapping with “title” and “steps”"))
            return
        self._keys(data, CASE_KEYS)
        self._step.text(data, (), "title", MAX_TITLE, required=True)
        self._step.text(data, (), "description", MAX_TEXT)
        self._one_of(data.get("priority"), PRIORITIES, ("priority",))
        self._texts(data.get("tags"), ("tags",), self._tag)
        self._texts(data.get("points"), ("points",), self._step.slug)
        if data.get("dataset"):
            self._step.slug(data["dataset"], ("dataset",))
        self._step.seconds(data.get("timeout"), ("timeout",))
        self._retries(data.get("retries"), ("retries",))
        self._exclusive(data.get("exclusive"), ("exclusive",))
        for phase in PHASES:
            if data.get(phase):
                self._step.steps(data[phase], (phase,), by_person=phase == "steps")
        if not data.get("steps"):
            self._problems.add(("steps",) if "steps" in data else (), _("the case has no steps"))

    def shared(self, data: Any) -> None:
        if not isinstance(data, Mapping):
            self._problems.add((), _("a shared step is a mapping with “title” and “steps”"))
            return
        self._keys(data, SHARED_KEYS)
        self._step.text(data, (), "title", MAX_TITLE, required=True)
        self._step.text(data, (), "description", MAX_TEXT)
        if data.get("slug"):
            self._step.slug(data["slug"], ("slug",))
        self._parameters(data.get("parameters"), ("parameters",))
        if data.get("steps"):
            StepValidator(self._problems, inside=1).steps(data["steps"], ("steps",), by_person=False)
        else:
            self._problems.add(("steps",) if "steps" in data else (), _("the shared step has no steps"))

    def _keys(self, data: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in data:
            if key not in known:
                unknown_key(self._problems, (key,), str(key), known)

    def _parameters(self, given: Any, path: Path) -> None:
        if given is None:
            return
        if not isinstance(given, Mapping):
            self._problems.add(path, _("“{name}” must be a mapping of names to values"), name="parameters")
            return
        if len(given) > MAX_PARAMETERS:
            self._problems.add(path, _("there can be at most {limit}"), limit=MAX_PARAMETERS)
        for name, parameter in given.items():
            variable_name(self._problems, name, (*path, name))
            self._parameter(parameter, (*path, name))

    def _parameter(self, given: Any, path: Path) -> None:
        if not isinstance(given, Mapping):
            FieldChecker(self._problems).templates(given, path)
            return
        for key in given:
            if key not in PARAMETER_KEYS:
                unknown_key(self._problems, (*path, key), str(key), PARAMETER_KEYS)
        self._step.text(given, path, "description", MAX_TITLE)
        FieldChecker(self._problems).templates(given.get("default"), (*path, "default"))

    def _one_of(self, value: Any, choices: tuple[str, ...], path: Path) -> None:
        if value is not None and value not in choices:
            text = _("“{name}” must be one of {choices}")
            self._problems.add(path, text, name=path[-1], choices=", ".join(choices))

    def _retries(self, value: Any, path: Path) -> None:
        if value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_RETRIES:
            self._problems.add(path, _("a whole number from 0 to {limit} is needed here"), limit=MAX_RETRIES)

    def _exclusive(self, value: Any, path: Path) -> None:
        self._texts(value, path, self._step.slug)
        if isinstance(value, list) and len(value) > MAX_EXCLUSIVE:
            self._problems.add(path, _("there can be at most {limit}"), limit=MAX_EXCLUSIVE)

    def _texts(self, value: Any, path: Path, check: Callable[[Any, Path], None]) -> None:
        if value is None:
            return
        if not isinstance(value, list):
            self._problems.add(path, _("“{name}” must be a list"), name=path[-1])
            return
        for index, item in enumerate(value):
            check(item, (*path, index))

    def _tag(self, value: Any, path: Path) -> None:
        if not isinstance(value, str) or not value.strip() or len(value) > MAX_TAG or "," in value:
            self._problems.add(path, _("a tag is a text of at most {limit} characters, without comma"), limit=MAX_TAG)
