"""Every worker's main process would sweep; one does, and one that stands still does not keep the others from it."""

import threading
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connections

from apps.execution import sweeping
from tests.execution.test_worker import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Sweepers:
    """This thread, and another one that stands still in the middle of its sweep; *done* says who swept."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.error: Exception | None = None
        self._may_go_on, self._in_the_middle = threading.Event(), threading.Event()
        self._other = threading.Thread(target=self._begin_and_stand_still, daemon=True)

    def sweep_once(self) -> int:
        """In the place of the real one."""
        if threading.current_thread() is self._other:
            self.done.append("other")
            self._in_the_middle.set()
            assert self._may_go_on.wait(30)
        else:
            self.done.append("this")
        return 0

    def _begin_and_stand_still(self) -> None:
        try:
            sweeping.sweep_if_nobody_does()
        except DatabaseError as error:  # the heartbeat logs it, and goes on
            self.error = error
        finally:
            connections.close_all()

    def begin_other(self) -> None:
        self._other.start()
        assert self._in_the_middle.wait(30)

    def end_other(self) -> None:
        self._may_go_on.set()
        self._other.join(30)


@pytest.fixture
def sweepers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sweepers]:
    made = Sweepers()
    monkeypatch.setattr(sweeping, "sweep_once", made.sweep_once)
    yield made
    made.end_other()


def test_while_one_sweeps_no_other_does(sweepers: Sweepers) -> None:
    sweepers.begin_other()
    sweeping.sweep_if_nobody_does()
    assert sweepers.done == ["other"]

    sweepers.end_other()
    assert sweepers.error is None
    sweeping.sweep_if_nobody_does()
    assert sweepers.done == ["other", "this"]


def test_one_that_was_paused_in_the_middle_keeps_nobody_from_it(
    sweepers: Sweepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swept() -> bool:
        sweeping.sweep_if_nobody_does()
        return "this" in sweepers.done

    monkeypatch.setattr(sweeping, "PAUSED_AFTER", 1)
    sweepers.begin_other()
    wait_until(swept)
    sweepers.end_other()
    assert sweepers.error is not None, "its session was ended"
