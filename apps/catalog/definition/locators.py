"""Where something stands on a web page, as one line: ``role=button "Buy"``, ``label=E-mail``, ``.total >> nth=0``.

Parts are joined by ``>>``: each looks inside what the one before found. A part names how it looks and for what; one
without a name is a CSS selector. In quotes a text must be the whole text, else a part of it is enough.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from apps.catalog.definition.expressions import ExpressionError

BY = ("role", "label", "text", "placeholder", "test_id", "alt", "title", "css", "frame", "nth")
"""``frame`` is the CSS selector of an iframe, ``nth`` the number of one of several elements, from 0; -1 is the last."""

_NAMED = re.compile(r"([a-z_]+)\s*=\s*(.*)\Z", re.DOTALL)
_ROLE = re.compile(r"([a-z]+)(?:\s+(\S.*))?\Z", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_PARTS = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\s*>>\s*""", re.DOTALL)
_ATTRIBUTE = re.compile(r"(.*\S)\s*@\s*([\w:-]+)\s*\Z", re.DOTALL)
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Part:
    """One part: *value* is looked for *by* something; *name* is the accessible name of a role; *exact* when quoted."""

    by: str
    value: str
    name: str = ""
    exact: bool = False


@lru_cache(4096)
def parse_locator(text: str) -> tuple[Part, ...]:
    """The parts of the locator *text*. Raises ``ExpressionError``."""
    if len(text) > _LONGEST:
        raise ExpressionError(f"longer than {_LONGEST} characters")
    return tuple(_part(part.strip()) for part in _split(text))


@lru_cache(4096)
def parse_attribute(text: str) -> tuple[tuple[Part, ...], str]:
    """Locator and name of ``LOCATOR @ NAME``. Raises ``ExpressionError``."""
    match = _ATTRIBUTE.match(text)
    if match is None:
        raise ExpressionError("an attribute is written LOCATOR @ NAME, such as role=link Help @ href")
    return parse_locator(match[1]), match[2]


def _split(text: str) -> list[str]:
    """*text* at each ``>>`` that does not stand in quotes."""
    parts, start = [], 0
    for match in _PARTS.finditer(text):
        if match[1] is None:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _part(text: str) -> Part:
    match = _NAMED.match(text)
    if match is None or "[" in match[1]:
        return Part("css", _filled(text))
    by, value = match[1], _filled(match[2].strip())
    if by not in BY:
        raise ExpressionError(f"“{by}=” is not known; known are {', '.join(BY)}")
    if by == "role":
        return _role(value)
    if by == "nth" and not re.fullmatch(r"-?\d{1,6}", value):
        raise ExpressionError(f"“nth={value}” is not a number")
    if by in ("css", "frame", "nth"):
        return Part(by, value)
    words, exact = _unquoted(value)
    return Part(by, words, exact=exact)


def _role(value: str) -> Part:
    match = _ROLE.match(value)
    if match is None:
        raise ExpressionError(f'“role={value}” is not a role with a name, such as role=button "Buy"')
    name, exact = _unquoted(match[2]) if match[2] else ("", False)
    return Part("role", match[1], name, exact)


def _unquoted(text: str) -> tuple[str, bool]:
    match = _QUOTED.match(text)
    return (re.sub(r"\\(.)", r"\1", match[1]), True) if match else (text, False)


def _filled(text: str) -> str:
    if not text:
        raise ExpressionError("a locator is empty")
    return text
