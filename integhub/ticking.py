"""Schedules of beat that keep going when somebody sets the clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, time
from typing import Any

from celery.beat import PersistentScheduler
from celery.schedules import schedstate, schedule


class Every(schedule):
    """Due every so many seconds, by a clock that nobody sets.

    Celery's own goes by the wall clock: set back by a day, nothing is due for a day.
    """

    _began, _clock = time(), monotonic()

    def now(self) -> datetime:
        """The time of day when this process began, plus what has passed since."""
        return datetime.fromtimestamp(self._began, UTC) + timedelta(seconds=monotonic() - self._clock)

    def is_due(self, last_run_at: datetime) -> Any:
        """Also when the last time, as an earlier process wrote it down, is still to come."""
        if last_run_at > self.now():
            return schedstate(is_due=True, next=self.seconds)
        return super().is_due(last_run_at)


class Scheduler(PersistentScheduler):
    """Celery's, which shows by a file that it goes on: its own may be of a kind that is written only at the end."""

    schedule_filename: str

    def sync(self) -> None:
        """Every three minutes, and at the end."""
        super().sync()
        Path(f"{self.schedule_filename}.alive").touch()
