"""Results are dated by the clock of where they are recorded, whatever the worker's own says."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from apps.execution.engine import clock


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    clock.agree(datetime.now(UTC), time.monotonic())


def test_it_is_what_was_told_plus_what_passed() -> None:
    told = datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC)

    clock.agree(told, time.monotonic())
    time.sleep(0.05)

    assert told < clock.time_of_day() < told + timedelta(hours=1)


def test_a_machine_whose_clock_is_set_goes_on_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    before, true = clock.time_of_day(), time.time

    monkeypatch.setattr(time, "time", lambda: true() - 2 * 86_400)

    assert clock.time_of_day() > before


def test_it_does_not_step_back_for_what_the_network_took() -> None:
    before = clock.time_of_day()

    clock.agree(before - clock.TOLERANCE / 2, time.monotonic())

    assert clock.time_of_day() >= before


def test_an_answer_that_was_long_on_its_way_does_not_set_it_back() -> None:
    before = clock.time_of_day()

    clock.agree(before - timedelta(seconds=3), time.monotonic() - 5)

    assert clock.time_of_day() >= before
