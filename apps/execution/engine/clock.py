"""The time of day for what the engine writes down.

The machine's own clock may be wrong or be set in the middle of a run; a result would end before it began, and count for
another day. This one goes by what passes, from a time that whoever records the results has told.
"""

from datetime import UTC, datetime, timedelta
from time import monotonic

TOLERANCE = timedelta(milliseconds=100)  # it does not step back and forth for less

_reference = (datetime.now(UTC), monotonic())


def time_of_day() -> datetime:
    """The time of day, in UTC."""
    told, at = _reference
    return told + timedelta(seconds=monotonic() - at)


def agree(told: datetime, asked: float) -> None:
    """It was *told* wherever the results are recorded, at some time between *asked* (``monotonic()``) and now.

    An answer that was long on its way does not set it back: it is set only when it cannot have been right.
    """
    global _reference
    answered = monotonic()
    latest = time_of_day()
    earliest = latest - timedelta(seconds=answered - asked)
    if not earliest - TOLERANCE <= told <= latest + TOLERANCE:
        _reference = (told, (asked + answered) / 2)
