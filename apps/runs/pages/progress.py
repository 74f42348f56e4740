"""How far a run is: its counts as parts of a bar, and the time that it still needs."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from apps.core.states import MARKS, State
from apps.runs.models import TestRun

BAR = 1000  # width of a bar in units of its drawing
TRUST_RATE_AFTER = 0.1  # share done from which the rate so far says more than earlier durations


@dataclass(frozen=True)
class Part:
    """One colour of a bar, from *x* for *width* of ``BAR`` units."""

    state: str
    tone: str
    count: int
    x: float
    width: float


def open_counts(run: TestRun) -> dict[str, int]:
    """Executions without a final state: those that wait for a person, and the others together."""
    return {State.WAITING: run.waiting, State.QUEUED: max(run.total - run.done - run.waiting, 0)}


def counts(run: TestRun) -> dict[str, int]:
    """Executions by state, those that make work first; states without any are left out."""
    every = {
        State.FAILED: run.failed,
        State.BLOCKED: run.blocked,
        **open_counts(run),
        State.PASSED: run.passed,
        State.SKIPPED: run.skipped,
        State.CANCELLED: run.cancelled,
    }
    return {state: count for state, count in every.items() if count}


def bar(run: TestRun) -> list[Part]:
    """The counts of *run* side by side: passed first, what is still to come last."""
    order = (State.PASSED, State.FAILED, State.BLOCKED, State.SKIPPED, State.CANCELLED, State.WAITING, State.QUEUED)
    found, x, parts = counts(run), 0.0, []
    for state in order:
        if count := found.get(state, 0):
            width = BAR * count / run.total
            parts.append(Part(state, MARKS[state].tone, count, round(x, 2), round(width, 2)))
            x += width
    return parts


def elapsed_ms(run: TestRun, now: datetime | None = None) -> float | None:
    """Time from the start of *run* until its end, or until now; None before it started."""
    if run.started_at is None:
        return None
    end = run.finished_at or now or timezone.now()
    return max((end - run.started_at).total_seconds() * 1000, 0)


def left_ms(run: TestRun, now: datetime | None = None) -> float | None:
    """Estimate of the time left: from earlier durations at first, from the rate so far once that is known.

    None when nothing is known, or when only people keep the run waiting (one has paused it, or it waits for verdicts).
    """
    left = run.total - run.done - run.waiting
    if not run.is_open or run.is_paused or not run.total or not left:
        return None
    elapsed = elapsed_ms(run, now)
    if elapsed and run.done / run.total >= TRUST_RATE_AFTER:
        return elapsed / run.done * left
    if run.expected_ms is None:
        return None
    return max(run.expected_ms - (elapsed or 0), 0)
