"""Validation of ``expect`` and ``capture``."""

from collections.abc import Callable
from typing import Any

from apps.catalog.definition import expressions
from apps.catalog.definition.canonical import CAPTURE_KEYS, CHECK_KEYS, group_of
from apps.catalog.definition.fields import Kind, Subject
from apps.catalog.definition.inspection import texts
from apps.catalog.definition.locators import parse_attribute, parse_locator
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import OPERATORS, TYPE_NAMES
from apps.catalog.definition.problems import Path, Problems
from apps.catalog.definition.suggestions import unknown_key
from apps.catalog.definition.values import FieldChecker, variable_name
from apps.catalog.definition.xpath import compile_xpath

MAX_CHECKS = 100
_COMPILERS: dict[str, Callable[[Any], object]] = {
    "jsonpath": expressions.compile_path,
    "regex": expressions.compile_regex,
    "xpath": compile_xpath,
    "locator": parse_locator,
    "attribute": parse_attribute,
}
MAX_DEPTH = 3


class CheckValidator:
    """Notes in *problems* what is wrong with the checks and captures of a step of *kind*."""

    def __init__(self, problems: Problems, kind: Kind) -> None:
        self._problems = problems
        self._kind = kind
        self._values = FieldChecker(problems)
        self._depth = 0
        self._operands: dict[str, Callable[[Any, Path], None]] = {
            "any": self._values.templates,
            "regex": self._regex,
            "type": self._type,
            "integer": self._integer,
            "number": self._number,
            "boolean": self._boolean,
            "list": self._list,
            "schema": self._schema,
            "approx": self._approx,
        }

    def expect(self, checks: Any, path: Path) -> None:
        """Check the list ``expect``."""
        if not isinstance(checks, list):
            self._problems.add(path, _("“{name}” must be a list"), name="expect")
            return
        if len(checks) > MAX_CHECKS:
            self._problems.add(path, _("there can be at most {limit}"), limit=MAX_CHECKS)
        for index, check in enumerate(checks):
            self._check(check, (*path, index))

    def _check(self, check: Any, path: Path) -> None:
        if not isinstance(check, dict):
            self._problems.add(path, _("a check is a mapping like {{check: status, equals: 200}}"))
            return
        if group := group_of(check):
            self._group(check, group, path)
            return
        subject = self._subject(check.get("check"), (*path, "check"))
        for key in check:
            if key not in OPERATORS and key not in CHECK_KEYS:
                unknown_key(self._problems, (*path, key), key, [*CHECK_KEYS, *OPERATORS])
        if not isinstance(check.get("not", False), bool):
            self._problems.add((*path, "not"), _("“{name}” must be true or false"), name="not")
        if subject is not None:
            self._at(subject, check.get("at"), path)
        self._operator(subject, check, path)

    def _group(self, check: dict[str, Any], group: str, path: Path) -> None:
        for key in check:
            if key not in (group, "not"):
                unknown_key(self._problems, (*path, key), key, [group, "not"])
        if not isinstance(check.get("not", False), bool):
            self._problems.add((*path, "not"), _("“{name}” must be true or false"), name="not")
        if not isinstance(check[group], list) or not check[group]:
            self._problems.add((*path, group), _("“{name}” must be a list with something in it"), name=group)
        elif self._depth >= MAX_DEPTH:
            self._problems.add(
                (*path, group), _("checks can stand at most {limit} deep in each other"), limit=MAX_DEPTH
            )
        else:
            self._depth += 1
            self.expect(check[group], (*path, group))
            self._depth -= 1

    def _subject(self, name: Any, path: Path) -> Subject | None:
        subject = self._kind.subject(name) if isinstance(name, str) else None
        if subject is None:
            names = ", ".join(one.name for one in self._kind.subjects)
            self._problems.add(
                path, _("a step of kind {kind} can look at {names}, not at “{name}”"),
                kind=self._kind.name, names=names, name=name,
            )  # fmt: skip
        return subject

    def _operator(self, subject: Subject | None, check: dict[str, Any], path: Path) -> None:
        given = [key for key in check if key in OPERATORS]
        if len(given) != 1:
            text = _("a check has exactly one operator: {names}")
            self._problems.add(path, text, names=", ".join(subject.operators if subject else OPERATORS))
            return
        name = given[0]
        if subject is not None and name not in subject.operators:
            self._problems.add(
                (*path, name), _("“{subject}” can be checked with {names}, not with “{name}”"),
                subject=subject.name, names=", ".join(subject.operators), name=name,
            )  # fmt: skip
            return
        if name == "count" and subject is not None and subject.value == "text" and not check.get("at"):
            self._problems.add(path, _("“count” needs “at”: the pattern to count"))
        self._operands[OPERATORS[name].value](check[name], (*path, name))

    def _at(self, subject: Subject, at: Any, path: Path) -> None:
        here = (*path, "at")
        if at in (None, ""):
            if subject.at_required:
                self._problems.add(path, _("“{subject}” needs “at”: the name to look at"), subject=subject.name)
        elif not subject.at:
            self._problems.add(here, _("“{subject}” is one value, without “at”"), subject=subject.name)
        elif not isinstance(at, str):
            self._problems.add(here, _("“{name}” must be a text"), name="at")
        elif self._is_template(at, here) or subject.at == "name":
            return
        else:
            self._compiles(_COMPILERS[subject.at], at, here)

    def _is_template(self, value: Any, path: Path) -> bool:
        if not isinstance(value, str) or not expressions.has_template(value):
            return False
        self._values.template(value, path)
        return True

    def _compiles(self, compile_it: Callable[[Any], object], value: Any, path: Path) -> None:
        try:
            compile_it(value)
        except expressions.ExpressionError as error:
            self._problems.add(path, _("cannot be read: {reason}"), reason=str(error))

    def _regex(self, value: Any, path: Path) -> None:
        if not isinstance(value, str):
            self._problems.add(path, _("“{name}” must be a text"), name="matches")
        elif not self._is_template(value, path):
            self._compiles(expressions.compile_regex, value, path)

    def _type(self, value: Any, path: Path) -> None:
        if value not in TYPE_NAMES and not self._is_template(value, path):
            self._problems.add(path, _("“{name}” must be one of {choices}"), name="type", choices=", ".join(TYPE_NAMES))

    def _integer(self, value: Any, path: Path) -> None:
        if self._is_template(value, path):
            return
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self._problems.add(path, _("a whole number is needed here, not below 0"))

    def _number(self, value: Any, path: Path) -> None:
        if self._is_template(value, path) or (isinstance(value, str) and value):
            return  # texts are for times, which only the run can tell
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._problems.add(path, _("a number is needed here"))

    def _boolean(self, value: Any, path: Path) -> None:
        if not isinstance(value, bool) and not self._is_template(value, path):
            self._problems.add(path, _("true or false is needed here"))

    def _list(self, value: Any, path: Path) -> None:
        if self._is_template(value, path):
            return
        if not isinstance(value, list) or not value:
            self._problems.add(path, _("a list of values is needed here"))
        self._values.templates(value, path)

    def _schema(self, value: Any, path: Path) -> None:
        self._values.templates(value, path)
        if not any(map(expressions.has_template, texts(value))):
            self._compiles(expressions.compile_schema, value, path)

    def _approx(self, value: Any, path: Path) -> None:
        if not isinstance(value, dict) or set(value) != {"value", "within"}:
            self._problems.add(path, _("needs exactly “value” and “within”"))
            return
        for key, item in value.items():
            self._number(item, (*path, key))

    def capture(self, captures: Any, path: Path) -> None:
        """Check the mapping ``capture``."""
        if not isinstance(captures, dict):
            self._problems.add(path, _("“{name}” must be a mapping of names to values"), name="capture")
            return
        for name, source in captures.items():
            here = (*path, name)
            variable_name(self._problems, name, here)
            self._capture(source, here)

    def _capture(self, source: Any, path: Path) -> None:
        if isinstance(source, str):
            subject = self._kind.subject(self._kind.main)
            if subject is not None:
                self._at(subject, source, path)
            return
        if not isinstance(source, dict):
            self._problems.add(path, _("a capture is a path, or a mapping like {{from: header, at: Location}}"))
            return
        for key in source:
            if key not in CAPTURE_KEYS:
                unknown_key(self._problems, (*path, key), key, CAPTURE_KEYS)
        if not isinstance(source.get("secret", False), bool):
            self._problems.add((*path, "secret"), _("“{name}” must be true or false"), name="secret")
        subject = self._subject(source.get("from", self._kind.main), (*path, "from"))
        if subject is not None:
            self._at(subject, source.get("at"), path)
