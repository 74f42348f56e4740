"""Checks values against the fields of a step kind: in a definition, and again once rendered."""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from apps.catalog.definition.expressions import ExpressionError, has_template, template_names
from apps.catalog.definition.fields import Choice, Field
from apps.catalog.definition.inspection import BUILT_IN_NAMES, FUNCTION_NAMES, LANGUAGE_NAMES
from apps.catalog.definition.locators import parse_locator
from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import Path, Problems
from apps.catalog.definition.suggestions import unknown_key

SLUG = re.compile(r"[-a-zA-Z0-9_]{1,100}\Z")


def variable_name(problems: Problems, name: Any, path: Path) -> None:
    """Note it when *name* cannot be the name of a variable."""
    if not isinstance(name, str) or not name.isidentifier() or name in BUILT_IN_NAMES | FUNCTION_NAMES | LANGUAGE_NAMES:
        problems.add(path, _("“{name}” cannot be the name of a variable"), name=name)


# The method for each type of field; apart from the instances, of which one is made for every step that runs.
_CHECKS = {
    "text": "_text",
    "multiline": "_text",
    "code": "_text",
    "markdown": "_text",
    "choice": "_choice",
    "integer": "_number",
    "number": "_number",
    "boolean": "_boolean",
    "list": "_list",
    "pairs": "_pairs",
    "values": "_values",
    "object": "_object",
    "objects": "_objects",
    "json": "_json",
    "items": "_items",
    "variables": "_variables",
    "name": "_name",
    "shared": "_short_name",
    "steps": "_steps",
    "locator": "_locator",
}


def known_functions(problems: Problems, text: str, names: Iterable[str], path: Path) -> None:
    """Note it when one of *names* is called like a function in *text* and there is none."""
    for name in sorted(set(names) - FUNCTION_NAMES - LANGUAGE_NAMES):
        if re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", text):
            close = get_close_matches(name, FUNCTION_NAMES, 1, 0.6)
            if close:
                problems.add(
                    path, _("there is no function “{name}”; did you mean “{close}”?"), name=name, close=close[0]
                )
            else:
                known = ", ".join(sorted(FUNCTION_NAMES))
                problems.add(path, _("there is no function “{name}”; known are {names}"), name=name, names=known)


class FieldChecker:
    """Notes in *problems* what does not fit the description of a kind.

    In a definition a text with a template may stand for any value (*rendered* false); after
    rendering it may not.
    """

    def __init__(
        self,
        problems: Problems,
        *,
        rendered: bool = False,
        steps: Callable[[Any, Path], None] | None = None,
    ) -> None:
        """*steps* checks the fields that hold steps."""
        self._problems = problems
        self._rendered = rendered
        self._check_steps = steps

    def check(
        self, fields: tuple[Field, ...], choices: tuple[Choice, ...], given: Mapping[str, Any], path: Path
    ) -> None:
        """Note what is wrong in *given*, which stands at *path*."""
        recognised = 0
        for field in fields:
            present = field.name in given
            recognised += present
            if present and (given[field.name] is not None or field.type == "json"):
                getattr(self, _CHECKS[field.type])(field, given[field.name], (*path, field.name))
            elif field.required:
                self._problems.add(path, _("“{name}” is missing"), name=field.name)
        if recognised < len(given):
            known = [field.name for field in fields]
            for name in given.keys() - set(known):
                unknown_key(self._problems, (*path, name), name, known)
        for choice in choices:
            self._one_of(choice, given, path)

    def _one_of(self, choice: Choice, given: Mapping[str, Any], path: Path) -> None:
        present = [name for name in choice.names if name in given]
        names = ", ".join(choice.names)
        if len(present) > 1:
            self._problems.add((*path, present[1]), _("only one of {names} can be given"), names=names)
        elif choice.required and not present:
            self._problems.add(path, _("one of {names} is needed"), names=names)

    def _stands_for_value(self, value: Any, path: Path) -> bool:
        """Whether *value* is a template that will give the value later."""
        if self._rendered or not isinstance(value, str) or not has_template(value):
            return False
        self.template(value, path)
        return True

    def template(self, text: str, path: Path) -> None:
        """Note it when the template in *text* cannot be read."""
        try:
            known_functions(self._problems, text, template_names(text), path)
        except ExpressionError as error:
            self._problems.add(path, _("the template cannot be read: {reason}"), reason=str(error))

    def _text(self, field: Field, value: Any, path: Path) -> None:
        if self._stands_for_value(value, path):
            return
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self._problems.add(path, _("“{name}” must be a text"), name=field.name)
        elif field.required and isinstance(value, str) and not value.strip():
            self._problems.add(path, _("“{name}” is empty"), name=field.name)

    def _choice(self, field: Field, value: Any, path: Path) -> None:
        if not self._stands_for_value(value, path) and value not in field.choices:
            self._problems.add(
                path, _("“{name}” must be one of {choices}"), name=field.name, choices=", ".join(field.choices)
            )

    def _number(self, field: Field, value: Any, path: Path) -> None:
        if self._stands_for_value(value, path):
            return
        wanted = int if field.type == "integer" else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            text = _("“{name}” must be a whole number") if field.type == "integer" else _("“{name}” must be a number")
            self._problems.add(path, text, name=field.name)
        elif value < 0:
            self._problems.add(path, _("“{name}” cannot be negative"), name=field.name)

    def _boolean(self, field: Field, value: Any, path: Path) -> None:
        if not self._stands_for_value(value, path) and not isinstance(value, bool):
            self._problems.add(path, _("“{name}” must be true or false"), name=field.name)

    def _list(self, field: Field, value: Any, path: Path) -> None:
        if self._stands_for_value(value, path):
            return
        if not isinstance(value, list):
            self._problems.add(path, _("“{name}” must be a list"), name=field.name)
            return
        if not value:
            self._problems.add(path, _("“{name}” is empty"), name=field.name)
        for index, item in enumerate(value):
            self._plain(item, (*path, index))

    def _plain(self, value: Any, path: Path) -> None:
        if isinstance(value, dict | list) or value is None:
            self._problems.add(path, _("a plain value is needed here: a text or a number"))
        elif isinstance(value, str):
            self._stands_for_value(value, path)

    def _pairs(self, field: Field, value: Any, path: Path) -> None:
        if self._stands_for_value(value, path):
            return
        if not isinstance(value, dict):
            self._problems.add(path, _("“{name}” must be a mapping of names to values"), name=field.name)
            return
        for key, item in value.items():
            self._stands_for_value(key, (*path, key))
            for one in item if isinstance(item, list) else [item]:
                self._plain(one, (*path, key))

    def _values(self, field: Field, value: Any, path: Path) -> None:
        if self._stands_for_value(value, path):
            return
        if not isinstance(value, list | dict):
            self._problems.add(path, _("“{name}” must be a list or a mapping"), name=field.name)
        self._json(field, value, path)

    def _object(self, field: Field, value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            self._problems.add(path, _("“{name}” must be a mapping"), name=field.name)
        else:
            self.check(field.fields, field.alternatives, value, path)

    def _objects(self, field: Field, value: Any, path: Path) -> None:
        if not isinstance(value, list):
            self._problems.add(path, _("“{name}” must be a list"), name=field.name)
            return
        if not value and field.required:
            self._problems.add(path, _("“{name}” is empty"), name=field.name)
        for index, item in enumerate(value):
            self._object(field, item, (*path, index))

    def _items(self, field: Field, value: Any, path: Path) -> None:
        if self._stands_for_value(value, path):
            return
        if not isinstance(value, list) or not value:
            self._problems.add(path, _("“{name}” must be a list with something in it"), name=field.name)
        self._json(field, value, path)

    def _variables(self, field: Field, value: Any, path: Path) -> None:
        if not isinstance(value, dict) or (field.required and not value):
            self._problems.add(path, _("“{name}” must be a mapping of names to values"), name=field.name)
            return
        for name in value:
            variable_name(self._problems, name, (*path, name))
        self._json(field, value, path)

    def _name(self, field: Field, value: Any, path: Path) -> None:
        variable_name(self._problems, value, path)

    def _short_name(self, field: Field, value: Any, path: Path) -> None:
        if not isinstance(value, str) or not SLUG.match(value):
            self._problems.add(path, _("“{value}” is not a short name (letters, digits, - and _)"), value=value)

    def _locator(self, field: Field, value: Any, path: Path) -> None:
        if self._stands_for_value(value, path):
            return
        if not isinstance(value, str):
            self._problems.add(path, _("“{name}” must be a text"), name=field.name)
            return
        try:
            parse_locator(value)
        except ExpressionError as error:
            self._problems.add(path, _("cannot be read: {reason}"), reason=str(error))

    def _steps(self, field: Field, value: Any, path: Path) -> None:
        if self._check_steps is not None:
            self._check_steps(value, path)

    def _json(self, field: Field, value: Any, path: Path) -> None:
        if self._rendered:
            return
        self.templates(value, path)

    def templates(self, value: Any, path: Path) -> None:
        """Check every template in *value*, at any depth."""
        if isinstance(value, str):
            self._stands_for_value(value, path)
        elif isinstance(value, dict):
            for key, item in value.items():
                self._stands_for_value(key, (*path, key))
                self.templates(item, (*path, key))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.templates(item, (*path, index))
