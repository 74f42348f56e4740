"""Beat goes on, whatever somebody sets its clock to."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.beat import Scheduler, Service
from celery.schedules import schedule
from django.conf import settings

from integhub.celery import app
from integhub.ticking import Every


class Beat:
    """Celery's scheduler with one entry; what it sent."""

    def __init__(self, every: Any) -> None:
        self.sent = 0
        self._scheduler = Scheduler(app, schedule={}, lazy=True)
        self._scheduler.add(name="tick", task="defects.settle_ended", schedule=every)
        self._scheduler.apply_async = self._note  # type: ignore[method-assign]

    def _note(self, *_: Any, **__: Any) -> Any:
        self.sent += 1
        return type("Sent", (), {"id": "1"})()

    def run(self, seconds: float) -> None:
        ends = time.perf_counter() + seconds
        while time.perf_counter() < ends:
            time.sleep(max(0.0, min(self._scheduler.tick(), 0.05)))


@pytest.mark.parametrize("jump", [-2 * 86_400, 2 * 86_400])
def test_a_clock_that_is_set_neither_stops_nor_doubles_the_ticks(jump: int, monkeypatch: pytest.MonkeyPatch) -> None:
    beat = Beat(Every(0.1))
    beat.run(0.35)
    before, true = beat.sent, time.time
    assert before

    monkeypatch.setattr(time, "time", lambda: true() + jump)
    monkeypatch.setattr(app, "now", lambda: datetime.now(UTC) + timedelta(seconds=jump))
    beat.run(0.55)

    assert before < beat.sent <= before + 6


def test_celerys_own_schedule_would_stop() -> None:
    """Why there is one of ours; when this fails, Celery's will do."""
    now = datetime.now(UTC)
    theirs = schedule(timedelta(seconds=5), nowfun=lambda: now - timedelta(days=2), app=app)

    assert not theirs.is_due(now - timedelta(seconds=30)).is_due


def test_a_last_time_that_is_still_to_come_is_no_reason_to_wait() -> None:
    assert Every(5.0).is_due(datetime.now(UTC) + timedelta(days=2)).is_due


def test_ticks_do_not_expire_by_the_clock_of_another_machine() -> None:
    entries = settings.CELERY_BEAT_SCHEDULE.values()

    assert all(isinstance(entry["schedule"], Every) for entry in entries)
    assert not any("expires" in entry.get("options", {}) for entry in entries)


def test_a_file_shows_that_it_goes_on(tmp_path: Path) -> None:
    kept = str(tmp_path / "schedule")
    scheduler = Service(app, schedule_filename=kept, scheduler_cls=app.conf.beat_scheduler).get_scheduler()
    alive = tmp_path / "schedule.alive"
    alive.unlink(missing_ok=True)
    scheduler._do_sync()
    assert alive.exists()
    scheduler.close()
