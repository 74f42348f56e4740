"""Bodies and structures for people: pretty where they are JSON, and no longer than a page may carry."""

import json
from dataclasses import dataclass
from typing import Any

INLINE = 6_000  # characters of one body on the page itself
FULL = 200_000  # characters of one body when the reader asks for all; the rest is a download
_PRETTY_UP_TO = 2_000_000  # longer texts are not parsed


@dataclass(frozen=True)
class Body:
    """*text* as shown; *size* is the length of all of it in characters; *is_json* says how to colour it."""

    text: str
    is_json: bool
    size: int

    @property
    def cut(self) -> bool:
        """Whether there is more than is shown."""
        return self.size > len(self.text)


def pretty(value: Any) -> tuple[str, bool]:
    """*value* as text for people, and whether it is JSON. Text that holds a JSON document is indented."""
    if isinstance(value, str):
        parsed = _parsed(value)
        return (value, False) if parsed is None else _written(parsed, value)
    return _written(value, str(value))


def _parsed(text: str) -> Any:
    if len(text) > _PRETTY_UP_TO or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _written(value: Any, otherwise: str) -> tuple[str, bool]:
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str), True
    except RecursionError:  # nested deeper than can be drawn
        return otherwise, False


def body(value: Any, limit: int = INLINE) -> Body | None:
    """What to show of *value*, at most *limit* characters, cut at a line where there is one; None for nothing."""
    if value in (None, "", {}, []):
        return None
    text, is_json = pretty(value)
    if len(text) <= limit:
        return Body(text, is_json, len(text))
    cut = text.rfind("\n", limit // 2, limit)
    return Body(text[: cut if cut > 0 else limit], is_json, len(text))


@dataclass(frozen=True)
class Line:
    """One line of a diff: ``ins``, ``del`` or ``same``."""

    kind: str
    text: str


def diff_lines(diff: str) -> list[Line]:
    """A unified diff without its file and hunk headers."""
    kinds = {"+": "ins", "-": "del", " ": "same"}
    rows = [row for row in diff.splitlines() if not row.startswith(("---", "+++", "@@"))]
    return [Line(kinds.get(row[:1], "same"), row[1:] if row[:1] in kinds else row) for row in rows]
