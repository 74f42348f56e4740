"""Rendering of templates: strict about names, typed, with plain data only.

A text that is nothing but one expression keeps the type of its value (``"{{ quantity }}"`` → 3); any
other text renders to text.
"""

import random
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import minijinja

from apps.catalog.definition.expressions import ExpressionError, has_template, template_names
from apps.catalog.definition.inspection import FUNCTION_NAMES, LANGUAGE_NAMES
from apps.execution.engine.callbacks import webhook
from apps.execution.engine.functions import CURRENT, OWN, printed
from apps.execution.engine.mail_addresses import mailbox

FUEL = 50_000  # operations of one template; a loop that never ends stops here
MAX_RENDERED = 8 * 1024 * 1024
_SHORT = 2_000
_NAME = re.compile(r"\{\{ *([A-Za-z_]\w*) *\}\}")
_WORDS = frozenset({"true", "false", "none", "True", "False", "None"})  # values of the language, no names
_NEVER_TEMPLATES = frozenset({int, float, bool, type(None)})
_PLAIN = frozenset({str, int, float, bool, type(None)})


class TemplateError(Exception):
    """A template that cannot be rendered; *variable* is the name that is not known, if that is why."""

    def __init__(self, field: str, reason: str, variable: str = "") -> None:
        self.field = field
        self.variable = variable
        super().__init__(f"{field}: {reason}" if field else reason)


def _finalize(value: Any) -> Any:
    return value if type(value) in (str, int, float) else printed(value)


FUNCTIONS = {function.__name__: function for function in (*OWN, mailbox, webhook)}

# Without debug, errors do not quote the values of variables, which may be secrets.
_ENVIRONMENT = minijinja.Environment(
    debug=False,
    fuel=FUEL,
    undefined_behavior="strict",
    auto_escape_callback=lambda name: False,
    finalizer=_finalize,
    keep_trailing_newline=True,
    globals=FUNCTIONS,
)
_ENVIRONMENT.remove_global("debug")  # it would print every variable


class _Template(NamedTuple):
    source: str
    expression: str  # the one expression that the text is, or ""
    name: str  # the one name that the expression is, or ""
    names: frozenset[str]
    pieces: tuple[str, ...] = ()
    """Text, name, text, name, …, text: of a template that does nothing but put values between texts."""


def _template(text: str) -> _Template:
    """*text* understood; kept unless it is long, since what is kept takes memory for good."""
    return _short_template(text) if len(text) <= _SHORT else _parse(text)


@lru_cache(8192)
def _short_template(text: str) -> _Template:
    return _parse(text)


def _parse(text: str) -> _Template:
    expression = ""
    if text.startswith("{{") and text.endswith("}}"):
        inner = text[2:-2].strip("-+ \t\n")
        if "{{" not in inner and "}}" not in inner and "{%" not in inner:
            expression = inner
    name = expression if expression.isidentifier() else ""
    return _Template(text, expression, name, template_names(text), () if expression else _pieces(text))


def _pieces(text: str) -> tuple[str, ...]:
    """*text* cut at its names, when all that it does is to name values."""
    parts = _NAME.split(text)
    plain = all("{" not in part and "}" not in part for part in parts[::2])
    return tuple(parts) if plain and not _WORDS.intersection(parts[1::2]) else ()


class Templates:
    """Renders values with the variables of one case.

    *values* may grow (captures). *seed* decides ``uuid()`` and ``random_int()``.
    """

    def __init__(self, values: Mapping[str, Any], seed: int | str = 0) -> None:
        self.values: dict[str, Any] = {
            name: value if type(value) in _PLAIN else plain(value) for name, value in values.items()
        }
        self._seed = str(seed)
        self.hide: Callable[[str], None] | None = None

    @cached_property
    def random(self) -> random.Random:
        """The source of random values; made when it is first asked, since seeding takes its time."""
        return random.Random(self._seed)  # noqa: S311 - test data that can be made again, not keys

    def fork(self, place: str, values: Mapping[str, Any] | None = None) -> "Templates":
        """Variables of their own that begin as these (or as *values*), with random values for *place*."""
        forked = Templates(self.values if values is None else values, f"{self._seed}:{place}")
        forked.hide = self.hide
        return forked

    def condition(self, text: str) -> bool:
        """Whether the expression *text* is true. Raises ``TemplateError``, also when it is neither true nor false."""
        value = self.render("{{ " + text + " }}", "when")
        if value is True or value is False:
            return value
        raise TemplateError("when", f"“{text}” is {printed(value)}, which is neither true nor false")

    def render(self, value: Any, field: str) -> Any:
        """*value* with every template in it rendered, at any depth. Raises ``TemplateError``."""
        CURRENT.set(self)
        try:
            return self._render(value)
        except _Failed as failed:
            reason, variable = failed.args
            path = _find(value, failed.text, field)
            raise TemplateError(path or field, reason, variable) from None

    def _render(self, value: Any) -> Any:
        kind = type(value)
        if kind in _NEVER_TEMPLATES:
            return value
        if kind is str or isinstance(value, str):
            return self._text(value) if "{" in value and has_template(value) else value
        if isinstance(value, dict):
            return {
                (printed(self._text(key)) if "{" in key and has_template(key) else key): self._render(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._render(item) for item in value]
        return value

    def _text(self, text: str) -> Any:
        try:
            template = _template(text)
        except ExpressionError as error:
            raise _Failed(text, f"the template cannot be read: {error}") from None
        if template.name and template.name in self.values:
            return self.values[template.name]
        if template.pieces and (joined := self._joined(template.pieces)) is not None:
            return joined
        used = {name: self.values[name] for name in template.names if name in self.values}
        try:
            if template.expression:
                rendered = self._value(template.expression, used)
            else:
                rendered = _ENVIRONMENT.render_str(text, None, **used)
        except minijinja.TemplateError as error:
            raise self._failed(error, template) from None
        except (TypeError, ValueError, OverflowError, KeyError) as error:  # from a function's arguments
            raise _Failed(text, f"“{text}”: {error}") from None
        if isinstance(rendered, str) and len(rendered) > MAX_RENDERED:
            raise _Failed(text, "the rendered text is too long")
        return rendered

    def _joined(self, pieces: tuple[str, ...]) -> str | None:
        """The pieces with their values, without asking the template language; None when it is needed after all."""
        parts = list(pieces)
        for place in range(1, len(parts), 2):
            value = self.values.get(parts[place])
            if type(value) is str:
                parts[place] = value
            elif type(value) is int:
                parts[place] = str(value)
            else:
                return None
        joined = "".join(parts)
        return joined if len(joined) <= MAX_RENDERED else None

    def _value(self, expression: str, used: dict[str, Any]) -> Any:
        value = _ENVIRONMENT.eval_expr(expression, **used)
        # An undefined value comes back as None, even from a strict environment: print it to be told.
        if value is None and _ENVIRONMENT.eval_expr(f"({expression}) is undefined", **used):
            _ENVIRONMENT.render_str("{{ " + expression + " }}", None, **used)
        return plain(value)

    def _failed(self, error: minijinja.TemplateError, template: _Template) -> "_Failed":
        text = template.source
        if error.kind == "OutOfFuel":
            return _Failed(text, "the template does too much")
        unknown = sorted(template.names - self.values.keys() - FUNCTION_NAMES - LANGUAGE_NAMES)
        if unknown and error.kind in ("UndefinedError", "InvalidOperation"):
            return _Failed(text, f"the variable “{unknown[0]}” is not known", unknown[0])
        if error.kind == "UndefinedError":
            return _Failed(text, f"“{text}” has no value", template.expression)
        return _Failed(text, f"“{text}”: {error.detail or error.message}")


class _Failed(Exception):
    """The template *text* cannot be rendered; where it stands is looked for afterwards."""

    def __init__(self, text: str, reason: str, variable: str = "") -> None:
        self.text = text
        super().__init__(reason, variable)


def _find(value: Any, text: str, path: str) -> str:
    """The path at which *text* stands in *value*."""
    if value == text:
        return path
    if isinstance(value, dict):
        inner = ((f"{path}.{key}", text if key == text else item) for key, item in value.items())
    elif isinstance(value, list):
        inner = ((f"{path}[{index}]", item) for index, item in enumerate(value))
    else:
        return ""
    return next((found for place, item in inner if (found := _find(item, text, place))), "")


def plain(value: Any) -> Any:
    """*value* as plain data: what is none of text, number, truth, list or mapping becomes text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
