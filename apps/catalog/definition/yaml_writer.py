"""A definition as readable YAML, which reads back to the same definition."""

import io
from collections.abc import Mapping
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from apps.catalog.definition.canonical import normalise, normalise_shared

_NEVER_FOLD = 1_000_000


def to_yaml(definition: Mapping[str, Any]) -> str:
    """*definition* in block style, keys in the order of the documentation."""
    return _written(normalise(definition))


def shared_to_yaml(definition: Mapping[str, Any]) -> str:
    """A shared step in block style."""
    return _written(normalise_shared(definition))


def _written(data: Mapping[str, Any]) -> str:
    writer = YAML()
    writer.width = _NEVER_FOLD
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.allow_unicode = True
    out = io.StringIO()
    writer.dump(_styled(data), out)
    return out.getvalue()


def _styled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_text(key): _styled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_styled(item) for item in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        style = LiteralScalarString if _fits_literal(text) else DoubleQuotedScalarString
        return cast(str, style(text))
    return text


def _fits_literal(text: str) -> bool:
    """Whether a literal block gives back exactly *text*: no odd characters, no space at line ends."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and all(line.isprintable() and line == line.rstrip() for line in lines)
        and bool(lines[0])
        and not lines[0].startswith(" ")
    )
