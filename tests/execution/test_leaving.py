"""Work of somebody who leaves the team, or only looks from now on, is nobody's again."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Role, User
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import services
from apps.runs.models import Execution, ExecutionEvent
from tests.runs.story import MANUAL, planned_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]


def leave(person: User, by: User) -> None:
    accounts.remove_member(Membership.objects.get(user=person), by)


def only_look(person: User, by: User) -> None:
    accounts.change_role(Membership.objects.get(user=person), Role.VIEWER, by)


@pytest.mark.parametrize("go", [leave, only_look])
def test_open_work_is_given_back_and_ended_work_keeps_its_person(
    go: Callable[[User, User], None], waiting: Execution, tester: User, admin: User, commits: Any
) -> None:
    services.assign([waiting], to=tester, by=admin)
    ended = Execution.objects.get(pk=waiting.pk)
    ended.pk, ended.position, ended.state = None, 99, "passed"
    ended.save()

    with commits():
        go(tester, admin)

    waiting.refresh_from_db()
    ended.refresh_from_db()
    assert (waiting.assigned_to, ended.assigned_to) == (None, tester)
    last = ExecutionEvent.objects.filter(execution=waiting).latest("pk")
    assert (last.before, last.assignee) == (tester, None)


def test_another_role_that_executes_keeps_its_work(waiting: Execution, tester: User, admin: User, commits: Any) -> None:
    services.assign([waiting], to=tester, by=admin)
    with commits():
        accounts.change_role(Membership.objects.get(user=tester), Role.LEAD, admin)
    waiting.refresh_from_db()
    assert waiting.assigned_to == tester


def test_a_rerun_asks_nobody_who_has_left(
    environment: Environment, make_case: Callable[..., TestCase], tester: User, lead: User, admin: User, commits: Any
) -> None:
    run = planned_run(environment, [make_case(f"Look {n}", MANUAL, mode="manual") for n in range(2)])
    for execution, person in zip(run.executions.order_by("position"), (tester, lead), strict=True):
        services.assign([execution], to=person, by=admin)
    services.cancel_run(run, by=admin)
    with commits():
        leave(tester, admin)

    again = services.rerun(run, by=admin)

    assert list(again.executions.order_by("position").values_list("assigned_to", flat=True)) == [None, lead.pk]
