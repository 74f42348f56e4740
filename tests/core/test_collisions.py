"""Two people do at once what cannot both be: one of them is told so, nothing breaks and nothing is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import Team, User
from apps.catalog.conflicts import EditConflict
from apps.catalog.models import CaseRevision, TestCase, TestSuite
from apps.catalog.services import prioritise_cases, save_case
from apps.core.errors import Conflict, collision
from apps.environments import dataset_services
from apps.environments import services as environments
from apps.environments.models import Environment
from apps.execution.services import start_run
from apps.systems import services as systems
from apps.systems.models import Component, System
from tests.execution.test_worker import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def outcome(act: Callable[[], Any]) -> str:
    try:
        act()
    except Conflict as refused:
        return refused.code
    except IntegrityError as error:
        told = collision(error)
        assert told is not None
        return told.code
    else:
        return "done"
    finally:
        connection.close()


def at_once(*acts: Callable[[], Any]) -> list[str]:
    """What becomes of *acts*, each on a thread of its own, that begin together."""
    together = Barrier(len(acts))

    def one(act: Callable[[], Any]) -> str:
        together.wait()
        return outcome(act)

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def while_open(first: Callable[[], Any], second: Callable[[], Any]) -> str:
    """What becomes of *second* when it begins before the transaction of *first* has ended."""
    begun, may_end = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            first()
            begun.set()
            may_end.wait(1)  # long enough for the second to come to the lock
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(hold)
        begun.wait(10)
        answer = pool.submit(outcome, second).result()
        may_end.set()
        held.result()
        return answer


def test_two_people_save_the_same_case(make_case: Callable[..., TestCase], system: System, tester: User) -> None:
    case = make_case("Before")
    assert case.current is not None
    definition, number = case.current.definition, case.current.number

    def save(title: str) -> Callable[[], Any]:
        edited = {**definition, "title": title}
        return lambda: save_case(system, case.suite, edited, tester, case=case, based_on=number)

    answers = at_once(*(save(f"Title {n}") for n in range(4)))

    assert sorted(answers) == ["done", "edit-conflict", "edit-conflict", "edit-conflict"]
    assert CaseRevision.objects.filter(case=case).count() == 2
    assert issubclass(EditConflict, Conflict)


def test_a_case_is_saved_while_many_are_changed(
    make_case: Callable[..., TestCase], system: System, tester: User
) -> None:
    case = make_case("Before")
    assert case.current is not None
    edited = {**case.current.definition, "title": "After"}

    answer = while_open(
        lambda: save_case(system, case.suite, edited, tester, case=case),
        lambda: prioritise_cases(system, [case.number], "critical", by=tester),
    )

    assert answer == "done"
    newest = CaseRevision.objects.filter(case=case).latest("number")
    assert (newest.number, newest.definition["title"], newest.definition["priority"]) == (3, "After", "critical")


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any, str, Callable[[], Any]], list[str]]]:
    """Does something else on a connection of its own just after a service has looked who uses what it removes."""
    with ThreadPoolExecutor(1) as pool:

        def arrange(module: Any, name: str, act: Callable[[], Any]) -> list[str]:
            look, answers = getattr(module, name), []

            def look_and_let_others_act(*words: Any, **named: Any) -> Any:
                seen = look(*words, **named)
                other = pool.submit(lambda: answers.append(outcome(act)))
                wait([other], timeout=1)  # it has ended, or waits for us
                return seen

            monkeypatch.setattr(module, name, look_and_let_others_act)
            return answers

        yield arrange


def test_a_run_that_begins_while_its_environment_is_removed_is_not_lost_silently(
    make_case: Callable[..., TestCase], system: System, environment: Environment, lead: User, between: Any
) -> None:
    case = make_case("Case")
    start = partial(start_run, system=system, environment=environment, cases=[case], started_by=lead)
    answers = between(environments, "used_by", start)

    environments.remove_environment(environment, by=lead)

    wait_until(lambda: bool(answers))
    assert answers == ["changed-meanwhile"]


def test_a_case_that_begins_to_use_a_data_set_while_it_is_removed_is_told(
    system: System, suite: TestSuite, lead: User, between: Any
) -> None:
    dataset = environments.save_dataset(system, by=lead, name="Rows", slug="rows", columns=["sku"], rows=[])
    definition = {"title": "Case", "dataset": "rows", "steps": [{"name": "s", "kind": "http", "with": {"url": "x"}}]}
    answers = between(dataset_services, "used_by", partial(save_case, system, suite, definition, lead))

    environments.remove_dataset(dataset, by=lead)

    wait_until(lambda: bool(answers))
    assert answers == ["changed-meanwhile"]


def test_a_name_that_was_taken_meanwhile_is_a_conflict_and_no_crash(
    sign_in: Callable[[User], Client], lead: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_free_slug", lambda name: team.slug)

    answer = sign_in(lead).post("/teams/new/", {"name": "Again"})

    assert answer.status_code == 409
    assert "at the same moment" in answer.content.decode()


def test_a_row_that_went_meanwhile_is_a_conflict_over_the_api(
    sign_in: Callable[[User], Client], lead: User, system: System, suite: TestSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    component = Component.objects.create(system=system, name="One", slug="one")

    def remove_first(*_: Any, **__: Any) -> None:
        Component.objects.filter(pk=component.pk).delete()
        Component.objects.get(pk=component.pk)

    monkeypatch.setattr(systems, "remove_component", remove_first)

    answer = sign_in(lead).delete(f"/api/v1/components/{component.pk}/")

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:integhub:gone"
