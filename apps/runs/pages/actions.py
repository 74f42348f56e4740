"""What a step did bit by bit: actions on a page, each with how it went and the time that it took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.states import State
from apps.runs.pages.waterfall import WIDTH

ACTIONS = "actions"  # in the response
_MOST = 200


@dataclass(frozen=True)
class ActionView:
    """One action; its bar stands from *x* for *width* of ``WIDTH`` units in the time of all of them."""

    number: int
    text: str
    state: str
    milliseconds: float | None
    x: float
    width: float


def actions(told: Any) -> list[ActionView]:
    """The actions that a step's response tells of; none when it tells of nothing such."""
    if not isinstance(told, Sequence) or isinstance(told, str):
        return []
    known = [one for one in told[:_MOST] if isinstance(one, Mapping)]
    whole = sum(_milliseconds(one) for one in known) or 1.0
    found, start = [], 0.0
    for number, one in enumerate(known, 1):
        spent = _milliseconds(one)
        state = str(one.get("state", ""))
        found.append(
            ActionView(
                number=number,
                text=str(one.get("action", "")),
                state=state if state in State.values else State.SKIPPED,
                milliseconds=spent if "ms" in one else None,
                x=round(start / whole * WIDTH, 1),
                width=round(spent / whole * WIDTH, 1),
            )
        )
        start += spent
    return found


def _milliseconds(one: Mapping[str, Any]) -> float:
    spent = one.get("ms")
    return float(spent) if isinstance(spent, int | float) else 0.0
