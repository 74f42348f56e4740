"""Validation of steps, at any depth."""

from collections.abc import Mapping
from typing import Any

from apps.catalog.definition import expressions
from apps.catalog.definition.canonical import RETRY_KEYS, STEP_KEYS, bare
from apps.catalog.definition.checks import CheckValidator
from apps.catalog.definition.fields import Kind
from apps.catalog.definition.kinds import find_kind, kinds
from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import Path, Problems
from apps.catalog.definition.suggestions import unknown_key
from apps.catalog.definition.values import SLUG, FieldChecker, known_functions

MAX_STEPS = 200
MAX_SECONDS = 3600
MAX_NAME = 200
MAX_DEPTH = 4  # steps inside steps inside steps
MAX_TIMES = 1000
MAX_COPIES = 200


class StepValidator:
    """Notes in *problems* what is wrong with steps; *inside* is how deep they stand in others."""

    def __init__(self, problems: Problems, inside: int = 0) -> None:
        self._problems = problems
        self._inside = inside

    def steps(self, steps: Any, path: Path, *, by_person: bool) -> None:
        """Check a list of steps; one *by_person* can stand in it or not."""
        if not isinstance(steps, list):
            self._problems.add(path, _("“{name}” must be a list"), name=path[-1])
            return
        if len(steps) > MAX_STEPS:
            self._problems.add(path, _("there can be at most {limit}"), limit=MAX_STEPS)
        for index, step in enumerate(steps):
            self.step(step, (*path, index), by_person=by_person)

    def step(self, step: Any, path: Path, *, by_person: bool = True) -> None:
        """Check one step."""
        if not isinstance(step, Mapping):
            self._problems.add(path, _("a step is a mapping with “name”, “kind” and “with”"))
            return
        for key in step:
            if key not in STEP_KEYS:
                unknown_key(self._problems, (*path, key), str(key), STEP_KEYS)
        self.text(step, path, "name", MAX_NAME, required=True)
        if step.get("point"):
            self.slug(step["point"], (*path, "point"))
        self._when(step.get("when"), (*path, "when"))
        self.seconds(step.get("timeout"), (*path, "timeout"))
        if not isinstance(step.get("optional", False), bool):
            self._problems.add((*path, "optional"), _("“{name}” must be true or false"), name="optional")
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
            self._problems.add(path, self._no_person())
        if kind.group and step.get("retry"):
            text = _("a step of kind {kind} has no “{name}”; the steps inside it may")
            self._problems.add((*path, "retry"), text, kind=kind.name, name="retry")
        given = step.get("with")
        if given is None:
            given = {}
        if isinstance(given, Mapping):
            checker = FieldChecker(self._problems, steps=self._nested_steps)
            checker.check(kind.fields, kind.choices, given, (*path, "with"))
            self._limits(kind, given, (*path, "with"))
            if kind.further is not None:
                kind.further(given, (*path, "with"), self._problems)
        else:
            self._problems.add((*path, "with"), _("“{name}” must be a mapping"), name="with")
        checks = CheckValidator(self._problems, kind)
        if step.get("expect") is not None:
            checks.expect(step["expect"], (*path, "expect"))
        if step.get("capture") is not None:
            checks.capture(step["capture"], (*path, "capture"))
        self._retry(step.get("retry"), (*path, "retry"), checks)

    def _no_person(self) -> str:
        if self._inside:
            return _("a manual step cannot stand inside another step")
        return _("a manual step cannot stand in the setup or the teardown")

    def _nested_steps(self, steps: Any, path: Path) -> None:
        if self._inside >= MAX_DEPTH:
            self._problems.add(path, _("steps can stand at most {limit} deep in each other"), limit=MAX_DEPTH)
        elif not steps:
            self._problems.add(path, _("there are no steps in it"))
        else:
            StepValidator(self._problems, self._inside + 1).steps(steps, path, by_person=False)

    def _limits(self, kind: Kind, given: Mapping[str, Any], path: Path) -> None:
        """What is written as a number must not be beyond what the engine does."""
        if kind.name == "repeat":
            self._at_most(given.get("times"), MAX_TIMES, (*path, "times"))
        elif kind.name == "parallel" and isinstance(given.get("branches"), list):
            for index, branch in enumerate(given["branches"]):
                if isinstance(branch, Mapping):
                    self._at_most(branch.get("count"), MAX_COPIES, (*path, "branches", index, "count"), 1)

    def _at_most(self, value: Any, limit: int, path: Path, least: int = 0) -> None:
        if isinstance(value, int) and not isinstance(value, bool) and not least <= value <= limit:
            text = _("a whole number from {least} to {limit} is needed here")
            self._problems.add(path, text, least=least, limit=limit)

    def _when(self, value: Any, path: Path) -> None:
        if value is None or value == "":
            return
        if not isinstance(value, str):
            self._problems.add(path, _("“{name}” is an expression, like: total > 0"), name="when")
            return
        try:
            condition = bare(value)
            known_functions(self._problems, condition, expressions.condition_names(condition), path)
        except expressions.ExpressionError as error:
            self._problems.add(path, _("cannot be read: {reason}"), reason=str(error))

    def _retry(self, value: Any, path: Path, checks: CheckValidator) -> None:
        if value is None:
            return
        if not isinstance(value, Mapping) or "for" not in value:
            self._problems.add(path, _("“retry” is a mapping like {{for: 5, every: 0.2}} (seconds)"))
            return
        check = {"until": checks.expect, "for": self.seconds, "every": self.seconds}
        for key, given in value.items():
            if key in RETRY_KEYS:
                check[key](given, (*path, key))
            else:
                unknown_key(self._problems, (*path, key), str(key), RETRY_KEYS)

    def text(self, data: Mapping[str, Any], path: Path, key: str, limit: int, *, required: bool = False) -> None:
        """Check the text *key* of *data*."""
        value = data.get(key)
        if value is None or (required and isinstance(value, str) and not value.strip()):
            if required:
                here = (*path, key) if key in data else path
                self._problems.add(here, _("“{name}” is missing"), name=key)
        elif not isinstance(value, str):
            self._problems.add((*path, key), _("“{name}” must be a text"), name=key)
        elif len(value) > limit:
            self._problems.add((*path, key), _("longer than {limit} characters"), limit=limit)

    def slug(self, value: Any, path: Path) -> None:
        """Check a short name."""
        if not isinstance(value, str) or not SLUG.match(value):
            self._problems.add(path, _("“{value}” is not a short name (letters, digits, - and _)"), value=value)

    def seconds(self, value: Any, path: Path) -> None:
        """Check a length of time."""
        if value is None:
            return
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value <= MAX_SECONDS:
            self._problems.add(path, _("seconds are needed here, above 0 and at most {limit}"), limit=MAX_SECONDS)
