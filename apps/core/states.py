"""The marks of results: one word, one icon, one colour, defined once for pages, charts and the API."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """What an execution, a step or a run's verdict is."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting")  # for a person's manual step
    PASSED = "passed", _("Passed")
    FAILED = "failed", _("Failed")
    BLOCKED = "blocked", _("Blocked")  # could not be executed
    SKIPPED = "skipped", _("Skipped")
    CANCELLED = "cancelled", _("Cancelled")


FINAL = (State.PASSED, State.FAILED, State.BLOCKED, State.SKIPPED, State.CANCELLED)
OPEN = (State.QUEUED, State.RUNNING, State.WAITING)
NOT_PASSED = (State.FAILED, State.BLOCKED)


@dataclass(frozen=True)
class Mark:
    """Icon (Tabler name) and CSS class suffix of a state."""

    icon: str
    tone: str


MARKS: dict[str, Mark] = {
    State.PASSED: Mark("circle-check", "passed"),
    State.FAILED: Mark("circle-x", "failed"),
    State.BLOCKED: Mark("ban", "blocked"),
    State.SKIPPED: Mark("circle-minus", "skipped"),
    State.CANCELLED: Mark("circle-off", "skipped"),
    State.RUNNING: Mark("loader-2", "running"),
    State.QUEUED: Mark("clock", "queued"),
    State.WAITING: Mark("hand-stop", "waiting"),
    "unknown": Mark("help", "unknown"),
}
# One character each in the history strips that are kept with cases and integration points.
LETTERS: dict[str, str] = {"passed": "P", "failed": "F", "blocked": "B", "skipped": "S", "cancelled": "C"}
BY_LETTER = {letter: state for state, letter in LETTERS.items()}
STRIP = 20
