"""The one shape of every benchmark's result: a table for people, one JSON line for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

Figure = int | float | str


@dataclass(frozen=True)
class Goal:
    """What was aimed for and what was measured: *goal* in words (``at most 10 s``), *value* in its unit."""

    name: str
    goal: str
    value: Figure
    met: bool

    @classmethod
    def at_most(cls, name: str, limit: float, value: float, unit: str = "") -> "Goal":
        """A goal that is met by staying at or below *limit*."""
        return cls(name, f"at most {limit:g} {unit}".strip(), round(value, 3), value <= limit)

    @classmethod
    def at_least(cls, name: str, limit: float, value: float, unit: str = "") -> "Goal":
        """A goal that is met by reaching *limit*."""
        return cls(name, f"at least {limit:g} {unit}".strip(), round(value, 3), value >= limit)


@dataclass(frozen=True)
class Report:
    """Result of the benchmark *bench*: *rows* under *columns* for the eye, *figures* by name, and *goals*."""

    bench: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Figure]]
    figures: dict[str, Figure]
    goals: list[Goal] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether every goal is met."""
        return all(goal.met for goal in self.goals)

    def text(self) -> str:
        """The rows and the goals as aligned tables."""
        parts = [_table(self.columns, self.rows)]
        if self.goals:
            rows = [(goal.name, goal.goal, goal.value, "yes" if goal.met else "NO") for goal in self.goals]
            parts.append(_table(("goal", "aimed for", "measured", "met"), rows))
        return "\n\n".join(parts)

    def json(self) -> str:
        """One line: ``{"bench", "figures", "goals": [{"name", "goal", "value", "met"}]}``."""
        goals = [asdict(goal) for goal in self.goals]
        return json.dumps({"bench": self.bench, "figures": self.figures, "goals": goals})


def _table(columns: Sequence[str], rows: Sequence[Sequence[Figure]]) -> str:
    cells = [[*columns], *([_shown(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    numeric = [bool(rows) and all(not isinstance(row[index], str) for row in rows) for index in range(len(columns))]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _shown(value: Figure) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.3g}" if isinstance(value, float) and abs(value) < 100 else f"{value:,}"
