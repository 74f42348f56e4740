"""Two at once, each on a connection of its own: the row lock lets one of them win."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.defects import services
from apps.defects.models import Defect, Retest
from apps.runs.models import Execution
from apps.systems.models import System

pytestmark = pytest.mark.django_db(transaction=True)


def twice_at_once(act: Callable[[], object]) -> list[str]:
    """Outcomes of *act* in two threads that begin together."""
    together = Barrier(2)

    def one(_number: int) -> str:
        together.wait()
        try:
            act()
        except Conflict as refused:
            return refused.code
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(one, range(2)))


def test_two_programs_that_see_the_same_failure_at_once_open_one_defect(
    failure: Execution, system: System, tester: User
) -> None:
    act = partial(services.open_defect, failure, system=system, by=tester)

    assert twice_at_once(act) == ["defect-open", "done"]
    assert Defect.objects.count() == 1


def test_two_people_fix_it_at_once_and_it_is_fixed_once(defect: Defect, tester: User) -> None:
    assert twice_at_once(lambda: services.mark_fixed(defect, by=tester)) == ["defect-state", "done"]
    assert defect.events.filter(kind="state").count() == 1


def test_two_people_retest_at_once_and_one_run_starts(defect: Defect, tester: User) -> None:
    assert twice_at_once(lambda: services.retest(defect, by=tester)) == ["done", "retest-running"]
    assert Retest.objects.count() == 1


def test_the_same_news_at_once_is_settled_once(defect: Defect, tester: User) -> None:
    retest = services.retest(defect, by=tester)
    type(retest.run).objects.filter(pk=retest.run.pk).update(phase="finished", verdict="passed")
    retest.run.executions.update(state="passed")

    assert twice_at_once(lambda: services.settle(retest.run.pk)) == ["done", "done"]

    assert defect.events.filter(kind="retest", data__state="passed").count() == 1
    assert defect.events.filter(kind="state").count() == 1
