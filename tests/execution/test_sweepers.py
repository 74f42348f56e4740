"""Every worker's main process would sweep; one does, and one that stands still does not keep the others from it."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, connections
from django.db.models.functions import Now

from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import dispatch, sweeping
from apps.runs.models import Execution, TestRun
from integhub.celery import app as celery
from tests.execution.test_worker import wait_until
from tests.runs.story import planned_run, taken

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


def test_what_is_sent_alone_has_a_message_of_its_own(
    environment: Environment, make_case: Callable[..., TestCase], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planned_run(environment, [make_case(f"Case {n}") for n in range(3)])
    ids = list(run.executions.order_by("position").values_list("pk", flat=True))
    messages: list[list[int]] = []
    monkeypatch.setattr(celery, "send_task", lambda _name, arguments, **_: messages.append(arguments[1]))

    dispatch.send_by_run(ids)
    dispatch.send_by_run(ids, most=1)

    assert messages == [ids, *([pk] for pk in ids)]


def test_the_last_try_is_alone_so_that_what_ends_processes_takes_no_other_with_it(
    environment: Environment, make_case: Callable[..., TestCase], sent: list[tuple[str, list[int]]]
) -> None:
    run = planned_run(environment, [make_case(f"Case {n}") for n in range(3)])
    ids = [one.pk for one in taken(run)]

    def lose() -> list[list[int]]:
        Execution.objects.filter(pk__in=ids).update(lease_until=Now())
        sent.clear()
        sweeping.sweep_once()
        taken(run)
        return [some for _queue, some in sent]

    assert lose() == [ids]
    assert lose() == [[pk] for pk in ids]
    assert lose() == []
    assert set(run.executions.values_list("state", flat=True)) == {"blocked"}


def test_a_run_whose_cancel_was_not_brought_to_its_end_ends_all_the_same(
    environment: Environment, make_case: Callable[..., TestCase], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planned_run(environment, [make_case("One"), make_case("Other")])
    taken(run)
    TestRun.objects.filter(pk=run.pk).update(cancel_requested_at=Now() - timedelta(minutes=30))
    Execution.objects.filter(pk=run.executions.latest("pk").pk).update(state="queued", lease_until=None)
    with monkeypatch.context() as patient:
        patient.setattr(sweeping, "CANCELLED_AFTER", timedelta(hours=1))
        sweeping.sweep_once()
    assert run.executions.filter(state="queued").count() == 1, "who cancels is given time to do so"

    sweeping.sweep_once()

    assert list(run.executions.order_by("pk").values_list("state", flat=True)) == ["running", "cancelled"]
