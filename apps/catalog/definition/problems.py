"""What is wrong in a definition, and where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    *path* is like ``steps[2].with.url`` ("" is the whole text). *text* is an English template whose
    *params* stay apart, so that it can be translated. Line and column count from 1; 0 is unknown.
    """

    path: str
    text: str
    params: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    column: int = 0

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return self.text.format(**self.params)

    @property
    def place(self) -> str:
        """Where it is, for people: ``line 4, column 7 (steps[0].with.url)``."""
        where = f"line {self.line}, column {self.column}" if self.line else ""
        return f"{where} ({self.path})" if where and self.path else where or self.path

    def as_dict(self) -> dict[str, Any]:
        """JSON for the editor and the API."""
        return {"path": self.path, "message": self.message, "line": self.line, "column": self.column}


class DefinitionError(ValueError):
    """A definition that cannot be used; ``problems`` says why, in the order of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(f"{first.place}: {first.message}{more}" if first.place else first.message + more)


def path_text(path: Path) -> str:
    """``("steps", 2, "with", "url")`` as ``steps[2].with.url``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


class Problems:
    """Collects problems while a definition is walked; knows where each path stands in the text."""

    def __init__(self, positions: Mapping[Path, Position] | None = None) -> None:
        self._positions = {} if positions is None else positions  # may be filled while we read
        self._found: list[Problem] = []

    def add(self, path: Path, text: str, **params: Any) -> None:
        """Note a problem at *path*; its place is that of the nearest part that stands in the text."""
        line, column = self._place(path)
        self._found.append(Problem(path_text(path), text, params, line, column))

    def _place(self, path: Path) -> Position:
        for end in range(len(path), -1, -1):
            if path[:end] in self._positions:
                return self._positions[path[:end]]
        return 0, 0

    def __bool__(self) -> bool:
        return bool(self._found)

    def in_order(self) -> list[Problem]:
        """All problems, in the order of the text."""
        return sorted(self._found, key=lambda problem: (problem.line, problem.column))
