"""From which state a defect may move where: the only place that knows.

People start, fix, reject and reopen. ``verify`` and ``fail_again`` are moves by evidence alone: a passing retest,
or the same failure in a run that was planned after the defect was said to be fixed or seen to be gone.
"""

from enum import StrEnum

from django.utils.translation import gettext as _

from apps.core.errors import Conflict
from apps.defects.models import Defect

State = Defect.State


class Move(StrEnum):
    START = "start"
    FIX = "fix"
    REJECT = "reject"
    REOPEN = "reopen"
    VERIFY = "verify"
    FAIL_AGAIN = "fail_again"


TRANSITIONS: dict[Move, tuple[frozenset[State], State]] = {
    Move.START: (frozenset({State.OPEN, State.REOPENED}), State.IN_PROGRESS),
    Move.FIX: (frozenset({State.OPEN, State.IN_PROGRESS, State.REOPENED}), State.FIXED),
    Move.REJECT: (frozenset({State.OPEN, State.IN_PROGRESS, State.REOPENED, State.FIXED}), State.REJECTED),
    Move.REOPEN: (frozenset({State.FIXED, State.VERIFIED, State.REJECTED}), State.REOPENED),
    Move.VERIFY: (frozenset({State.OPEN, State.IN_PROGRESS, State.REOPENED, State.FIXED}), State.VERIFIED),
    Move.FAIL_AGAIN: (frozenset({State.FIXED, State.VERIFIED}), State.REOPENED),
}
BY_PERSON = (Move.START, Move.FIX, Move.REJECT, Move.REOPEN)
CLOSED = (State.VERIFIED, State.REJECTED)


def possible(state: str) -> frozenset[Move]:
    """Moves from *state*."""
    return frozenset(move for move, (sources, _target) in TRANSITIONS.items() if state in sources)


def target(defect: Defect, move: Move) -> State:
    """Where *move* leads from the defect's state; Conflict when it does not start there."""
    sources, reached = TRANSITIONS[move]
    if defect.state not in sources:
        raise Conflict(
            "defect-state",
            _("%(key)s is “%(state)s”; from there it cannot become “%(target)s”.")
            % {"key": defect.key, "state": defect.get_state_display(), "target": reached.label},
        )
    return reached
