"""Work of somebody who leaves the team, or only looks from now on, is nobody's again."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Role, User
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import assigning, services
from apps.runs.models import Execution, ExecutionEvent
from tests.runs.story import MANUAL, planned_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]


def leave(person: User, by: User) -> None:
    accounts.remove_member(Membership.objects.get(user=person), by)


def only_look(person: User, by: User) -> None:
    accounts.change_role(Membership.objects.get(user=person), Role.VIEWER, by)


@pytest.mark.parametrize("go", [leave, only_look])
def test_open_work_is_given_back_and_ended_work_keeps_its_person(
    go: Callable[[User, User], None], waiting: Execution, tester: User, admin: User
) -> None:
    """In the same transaction: a process that is killed at its end does nothing behind it."""
    services.assign([waiting], to=tester, by=admin)
    ended = Execution.objects.get(pk=waiting.pk)
    ended.pk, ended.position, ended.state = None, 99, "passed"
    ended.save()

    go(tester, admin)

    waiting.refresh_from_db()
    ended.refresh_from_db()
    assert (waiting.assigned_to, ended.assigned_to) == (None, tester)
    last = ExecutionEvent.objects.filter(execution=waiting).latest("pk")
    assert (last.before, last.assignee) == (tester, None)


def test_another_role_that_executes_keeps_its_work(waiting: Execution, tester: User, admin: User) -> None:
    services.assign([waiting], to=tester, by=admin)
    accounts.change_role(Membership.objects.get(user=tester), Role.LEAD, admin)
    waiting.refresh_from_db()
    assert waiting.assigned_to == tester


def test_a_rerun_asks_nobody_who_has_left(
    environment: Environment, make_case: Callable[..., TestCase], tester: User, lead: User, admin: User
) -> None:
    run = planned_run(environment, [make_case(f"Look {n}", MANUAL, mode="manual") for n in range(2)])
    for execution, person in zip(run.executions.order_by("position"), (tester, lead), strict=True):
        services.assign([execution], to=person, by=admin)
    services.cancel_run(run, by=admin)
    leave(tester, admin)

    again = services.rerun(run, by=admin)

    assert list(again.executions.order_by("position").values_list("assigned_to", flat=True)) == [None, lead.pk]


@pytest.mark.parametrize("go", [leave, only_look])
def test_nobody_leaves_without_giving_back_their_work(
    go: Callable[[User, User], None], tester: User, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(team_id: int, user_id: int) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(assigning, "give_back_work_of", broken)

    with pytest.raises(DatabaseError):
        go(tester, admin)

    assert Membership.objects.get(user=tester).role == Role.TESTER


@pytest.mark.django_db(transaction=True)
def test_work_that_is_given_to_somebody_at_the_moment_they_leave_is_given_back_too(
    waiting: Execution, tester: User, admin: User
) -> None:
    given, may_end = Event(), Event()

    def give() -> None:
        with closing(connection), transaction.atomic():
            services.assign([waiting], to=tester, by=admin)
            given.set()
            may_end.wait(30)

    def go() -> None:
        with closing(connection):
            leave(tester, admin)

    with ThreadPoolExecutor(2) as pool:
        giving = pool.submit(give)
        assert given.wait(30)
        leaving = pool.submit(go)
        while not leaving.done() and not somebody_waits():
            time.sleep(0.01)
        may_end.set()
        giving.result(), leaving.result()

    waiting.refresh_from_db()
    assert waiting.assigned_to is None


def somebody_waits() -> bool:
    """Whether a session of this database waits for a row that another one holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone() is not None
