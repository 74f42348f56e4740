"""Validation of whole definitions, and reading them from YAML."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from apps.catalog.definition import yaml_reader
from apps.catalog.definition.canonical import (
    CASE_KEYS,
    PRIORITIES,
    RETRY_KEYS,
    STEP_KEYS,
    normalise,
)
from apps.catalog.definition.checks import CheckValidator
from apps.catalog.definition.fields import Kind
from apps.catalog.definition.kinds import find_kind, kinds
from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import DefinitionError, Path, Problem, Problems
from apps.catalog.definition.suggestions import unknown_key
from apps.catalog.definition.values import FieldChecker

MAX_STEPS = 200
MAX_SECONDS = 3600
MAX_TITLE = 200
MAX_TAG = 40
MAX_RETRIES = 5
MAX_EXCLUSIVE = 10
_SLUG = re.compile(r"[-a-zA-Z0-9_]{1,100}\Z")


def parse_yaml(text: str) -> dict[str, Any]:
    """The canonical definition in the YAML *text*. Raises ``DefinitionError`` with every problem."""
    data, positions = yaml_reader.read(text)
    problems = Problems(positions)
    _Validator(problems).case(data)
    if problems:
        raise DefinitionError(problems.in_order())
    return normalise(data)


def validate(definition: Any) -> list[Problem]:
    """Everything that is wrong in *definition*; empty when it can be used."""
    problems = Problems()
    _Validator(problems).case(definition)
    return problems.in_order()


def validate_step(step: Any) -> list[Problem]:
    """Everything that is wrong in a single *step*, as the editor tries it."""
    problems = Problems()
    _Validator(problems).step(step, ())
    return problems.in_order()


class _Validator:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def case(self, data: Any) -> None:
        if not isinstance(data, Mapping):
            self._problems.add((), _("a case is a mapping with “title” and “steps”"))
            return
        for key in data:
            if key not in CASE_KEYS:
                unknown_key(self._problems, (key,), str(key), CASE_KEYS)
        self._text(data, (), "title", MAX_TITLE, required=True)
        self._text(data, (), "description", 20_000)
        self._one_of(data.get("priority"), PRIORITIES, ("priority",))
        self._texts(data.get("tags"), ("tags",), self._tag)
        self._texts(data.get("points"), ("points",), self._slug)
        if data.get("dataset"):
            self._slug(data["dataset"], ("dataset",))
        self._seconds(data.get("timeout"), ("timeout",))
        self._retries(data.get("retries"))
        self._exclusive(data.get("exclusive"))
        self._steps(data, "steps", required=True)
        self._steps(data, "teardown")

    def _steps(self, data: Mapping[str, Any], key: str, *, required: bool = False) -> None:
        steps = data.get(key)
        if not steps:
            if required:
                self._problems.add((key,) if key in data else (), _("the case has no steps"))
            return
        if not isinstance(steps, list):
            self._problems.add((key,), _("“{name}” must be a list"), name=key)
            return
        if len(steps) > MAX_STEPS:
            self._problems.add((key,), _("there can be at most {limit}"), limit=MAX_STEPS)
        for index, step in enumerate(steps):
            self.step(step, (key, index), by_person=key == "steps")

    def step(self, step: Any, path: Path, *, by_person: bool = True) -> None:
        if not isinstance(step, Mapping):
            self._problems.add(path, _("a step is a mapping with “name”, “kind” and “with”"))
            return
        for key in step:
            if key not in STEP_KEYS:
                unknown_key(self._problems, (*path, key), str(key), STEP_KEYS)
        self._text(step, path, "name", MAX_TITLE, required=True)
        if step.get("point"):
            self._slug(step["point"], (*path, "point"))
        self._seconds(step.get("timeout"), (*path, "timeout"))
        if not isinstance(step.get("optional", False), bool):
            self._problems.add((*path, "optional"), _("“{name}” must be true or false"), name="optional")
        self._retry(step.get("retry"), (*path, "retry"))
        kind = self._kind(step, path)
        if kind is not None:
            self._of_kind(kind, step, path, by_person)

    def _kind(self, step: Mapping[str, Any], path: Path) -> Kind | None:
        name = step.get("kind")
        kind = find_kind(name) if isinstance(name, str) else None
        if name is None:
            self._problems.add(path, _("“{name}” is missing"), name="kind")
        elif kind is None:
            names = ", ".join(known.name for known in kinds())
            text = _("unknown step kind “{name}”; known are {names}")
            self._problems.add((*path, "kind"), text, name=name, names=names)
        return kind

    def _of_kind(self, kind: Kind, step: Mapping[str, Any], path: Path, by_person: bool) -> None:
        if kind.by_person and not by_person:
            self._problems.add(path, _("a manual step cannot stand in the teardown"))
        given = step.get("with")
        if given is None:
            given = {}
        if isinstance(given, Mapping):
            FieldChecker(self._problems).check(kind.fields, kind.choices, given, (*path, "with"))
        else:
            self._problems.add((*path, "with"), _("“{name}” must be a mapping"), name="with")
        checks = CheckValidator(self._problems, kind)
        if step.get("expect") is not None:
            checks.expect(step["expect"], (*path, "expect"))
        if step.get("capture") is not None:
            checks.capture(step["capture"], (*path, "capture"))

    def _text(self, data: Mapping[str, Any], path: Path, key: str, limit: int, *, required: bool = False) -> None:
        value = data.get(key)
        if value is None or (required and isinstance(value, str) and not value.strip()):
            if required:
                here = (*path, key) if key in data else path
                self._problems.add(here, _("“{name}” is missing"), name=key)
        elif not isinstance(value, str):
            self._problems.add((*path, key), _("“{name}” must be a text"), name=key)
        elif len(value) > limit:
            self._problems.add((*path, key), _("longer than {limit} characters"), limit=limit)

    def _one_of(self, value: Any, choices: tuple[str, ...], path: Path) -> None:
        if value is not None and value not in choices:
            text = _("“{name}” must be one of {choices}")
            self._problems.add(path, text, name=path[-1], choices=", ".join(choices))

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

    def _slug(self, value: Any, path: Path) -> None:
        if not isinstance(value, str) or not _SLUG.match(value):
            self._problems.add(path, _("“{value}” is not a short name (letters, digits, - and _)"), value=value)

    def _retries(self, value: Any) -> None:
        if value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_RETRIES:
            text = _("“retries” is how often a failed case is tried again: a whole number from 0 to {limit}")
            self._problems.add(("retries",), text, limit=MAX_RETRIES)

    def _exclusive(self, value: Any) -> None:
        self._texts(value, ("exclusive",), self._slug)
        if isinstance(value, list) and len(value) > MAX_EXCLUSIVE:
            self._problems.add(("exclusive",), _("there can be at most {limit}"), limit=MAX_EXCLUSIVE)

    def _seconds(self, value: Any, path: Path) -> None:
        if value is None:
            return
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value <= MAX_SECONDS:
            self._problems.add(path, _("seconds are needed here, above 0 and at most {limit}"), limit=MAX_SECONDS)

    def _retry(self, value: Any, path: Path) -> None:
        if value is None:
            return
        if not isinstance(value, Mapping) or "for" not in value:
            self._problems.add(path, _("“retry” is a mapping like {{for: 5, every: 0.2}} (seconds)"))
            return
        for key, seconds in value.items():
            if key in RETRY_KEYS:
                self._seconds(seconds, (*path, key))
            else:
                unknown_key(self._problems, (*path, key), str(key), RETRY_KEYS)
