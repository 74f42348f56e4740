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


def agree(told: datetime) -> None:
    """It is *told* now, wherever the results are recorded."""
    global _reference
    if abs(told - time_of_day()) > TOLERANCE:
        _reference = (told, monotonic())
