"""When the reading of messages may end: so many came, or one of them is what the step waits for."""

import json
from collections.abc import Mapping
from typing import Any

from apps.catalog.definition.expressions import REGEX_SECONDS, ExpressionError, compile_path, compile_regex
from apps.execution.executors.base import StepBlocked


class Wanted:
    """What the messages of a stream, a socket or a hook must bring. Raises ``StepBlocked`` for what cannot be read.

    A message is a mapping; *text* names its text, and ``json`` is what that text means, where it is JSON. A plain
    name in ``where`` is a header of messages that have ``headers``, of others a member of their JSON.
    With ``count``, ``until`` and ``where`` together, so many messages must match; ``wait`` is the time for it.
    """

    def __init__(self, given: Mapping[str, Any], *, text: str = "text") -> None:
        self._text = text
        self._where = dict(given.get("where") or {})
        try:
            self._pattern = compile_regex(str(given["until"])) if given.get("until") else None
            self._paths = {name: compile_path(name) for name in self._where if name.startswith("$")}
        except ExpressionError as error:
            raise StepBlocked(f"what to wait for cannot be read: {error}") from None
        self.selective = self._pattern is not None or bool(self._where)
        self.wait: float | None = given.get("wait")
        count: int | None = given.get("count") or None
        self.count = 1 if count is None and self.selective else count
        """How many must come; nothing when only the time ends the reading."""
        self.is_timed = self.wait is not None or self.count is not None

    def matches(self, message: Mapping[str, Any]) -> bool:
        """Whether *message* counts."""
        if self._pattern is not None:
            try:
                if self._pattern.search(str(message.get(self._text, "")), timeout=REGEX_SECONDS) is None:
                    return False
            except TimeoutError:
                return False
        return all(self._has(message, name, value) for name, value in self._where.items())

    def _has(self, message: Mapping[str, Any], name: str, value: Any) -> bool:
        found = self._found(message, name)
        return any(_same(one, wanted) for one in found for wanted in (value if isinstance(value, list) else [value]))

    def _found(self, message: Mapping[str, Any], name: str) -> list[Any]:
        content = message.get("json")
        if name in self._paths:
            try:
                return self._paths[name].find(content)
            except ExpressionError:
                return []
        if "headers" in message:
            return [text for header, text in message["headers"].items() if header.lower() == name.lower()]
        return [content[name]] if isinstance(content, Mapping) and name in content else []

    def __str__(self) -> str:
        """What is waited for, for people."""
        parts = [f"matching “{self._pattern.pattern}”"] if self._pattern is not None else []
        parts += [f"with {name} {_plain(value)}" for name, value in self._where.items()]
        return " ".join(parts)


def decoded(text: str) -> dict[str, Any]:
    """``{"json": …}`` when *text* is JSON, else nothing."""
    if not text or text[0] not in '{["-0123456789tfn':
        return {}
    try:
        return {"json": json.loads(text, parse_constant=_refuse_constant)}
    except (ValueError, RecursionError):
        return {}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _same(found: Any, wanted: Any) -> bool:
    """Values from templates and from forms may be texts where the message has a number, or the other way round."""
    return _plain(found) == _plain(wanted)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
