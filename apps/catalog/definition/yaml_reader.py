"""YAML text to plain data, with the line and column of every part.

The text is composed to nodes by ruamel.yaml and turned into data here, because only the nodes know
where each value stands. Everything that JSON cannot hold is refused; so are texts that explode when
their aliases are followed.
"""

import math
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import DefinitionError, Path, Position, Problem, Problems

MAX_TEXT = 512 * 1024
MAX_NODES = 50_000
MAX_WRITTEN = 30_000  # keys and values that stand in the text; each takes a tenth of a millisecond to compose
MAX_DEPTH = 60
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_TOO_MUCH = _("the text is too large or nested too deeply")


class _TooMuch(Exception):
    """The text is too large, or too large or deep once its aliases are followed."""

    def __init__(self, path: Path = ()) -> None:
        self.path = path


class _BoundedComposer(Composer):
    """Stops early: whoever sends a text must not keep a process of the web busy with it."""

    written = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.written += 1
        if self.written > MAX_WRITTEN:
            raise _TooMuch
        return super().compose_node(parent, index)


def read(text: str) -> tuple[Any, dict[Path, Position]]:
    """The data in *text* and where each path of it stands (line and column, from 1).

    Raises ``DefinitionError``.
    """
    if len(text) > MAX_TEXT:
        raise DefinitionError([Problem("", _("the text is longer than {limit} characters"), {"limit": MAX_TEXT})])
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer, yaml.max_depth = _BoundedComposer, MAX_DEPTH
    node = _compose(yaml, text)
    if node is None:
        raise DefinitionError([Problem("", _("the text is empty"), {}, 1, 1)])
    reader = _Reader(yaml)
    try:
        data = reader.data(node, ())
    except _TooMuch as stop:
        reader.problems.add(stop.path, _TOO_MUCH)
        data = None
    if reader.problems:
        raise DefinitionError(reader.problems.in_order())
    return data, reader.positions


def _compose(yaml: YAML, text: str) -> Node | None:
    try:
        node: Node | None = yaml.compose(text)
    except (RecursionError, MaxDepthExceededError, _TooMuch):
        raise DefinitionError([Problem("", _TOO_MUCH)]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        what = error.problem or error.context or "cannot be read"
        raise DefinitionError([Problem("", _("not valid YAML: {reason}"), {"reason": what}, line, column)]) from None
    except YAMLError as error:
        line, column = _place_of_bad_character(text)
        reason = str(error).splitlines()[0]
        raise DefinitionError([Problem("", _("not valid YAML: {reason}"), {"reason": reason}, line, column)]) from None
    return node


def _place_of_bad_character(text: str) -> Position:
    for index, character in enumerate(text):
        if not character.isprintable() and character not in "\n\r\t":
            return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
    return 0, 0


class _Reader:
    def __init__(self, yaml: YAML) -> None:
        self.positions: dict[Path, Position] = {}
        self.problems = Problems(self.positions)
        self._constructor: SafeConstructor = yaml.constructor
        self._count = 0

    def data(self, node: Node, path: Path) -> Any:
        """The value of *node*, which stands at *path*."""
        self._count += 1
        if self._count > MAX_NODES or len(path) > MAX_DEPTH:
            raise _TooMuch(path[:2])
        self.positions.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, SequenceNode):
            return [self.data(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if str(key_node.tag) == _MERGE:
                self._merge(value_node, path, merged)
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in own:
                self.positions[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
                self.problems.add(here, _("the key “{key}” stands here twice"), key=key)
                continue
            own[key] = self.data(value_node, here)
            self.positions[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        return {**merged, **own}

    def _merge(self, node: Node, path: Path, into: dict[str, Any]) -> None:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        for source in reversed(sources):  # the first one wins
            if isinstance(source, MappingNode):
                into.update(self.data(source, path))
            else:
                self.problems.add(path, _("only mappings can be merged by <<"))

    def _key(self, node: Node, path: Path) -> str | None:
        if isinstance(node, ScalarNode) and str(node.tag) == _TAG + "null":
            self.problems.add(path, _("a key is empty"))
            return None
        if isinstance(node, ScalarNode):
            return str(node.value)
        self.problems.add(path, _("a key must be a plain text"))
        return None

    def _scalar(self, node: Node, path: Path) -> Any:
        tag = str(node.tag).removeprefix(_TAG)
        if tag in {"str", "timestamp"}:  # JSON has no dates: they stay the text that was written
            return str(node.value)
        if tag not in {"int", "float", "bool", "null"}:
            self.problems.add(path, _("the YAML tag {tag} is not supported"), tag=str(node.tag))
            return None
        try:
            value = self._constructor.construct_object(node)
        except (YAMLError, ValueError):
            self.problems.add(path, _("“{value}” is not a value of its type"), value=str(node.value)[:40])
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.problems.add(path, _("JSON has no such number: {value}"), value=str(node.value))
        return value
