import pytest

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.core.errors import Conflict, DomainError
from apps.defects import services, tasks
from apps.defects.models import Defect, Retest
from apps.defects.receivers import on_executions_failed, on_run_finished
from apps.environments.models import Environment
from apps.runs.models import Execution, TestRun
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, System
from tests.defects.play import MakeCase, finish, planned, played
from tests.runs.story import cancel

pytestmark = pytest.mark.django_db


def now(defect: Defect) -> Defect:
    defect.refresh_from_db()
    return defect


def kinds(defect: Defect) -> list[str]:
    return [event.kind for event in defect.events.all()]


def test_a_retest_repeats_what_failed_with_its_data(
    environment: Environment, case: TestCase, point: IntegrationPoint, system: System, tester: User
) -> None:
    run = planned(environment, [case], rows=[{"sku": "A"}, {"sku": "B"}, {"sku": "C"}])
    finish(run, "failed", "passed", "failed")
    defect = services.open_defect(run.executions.get(position=1), system=system, by=tester)

    retest = services.retest(defect, by=tester)

    assert (retest.run.trigger, retest.run.environment, retest.run.started_by) == ("retest", environment, tester)
    assert sorted(one.row["sku"] for one in retest.run.executions.all()) == ["A", "C"]
    assert {one.seed for one in retest.run.executions.all()} == {
        one.seed for one in run.executions.filter(state="failed")
    }
    assert retest.run.title == f"Retest of D1: {defect.title}"


@pytest.mark.parametrize("state", ["open", "in_progress", "reopened", "fixed"])
def test_a_passing_retest_verifies_with_its_evidence(defect: Defect, tester: User, state: str) -> None:
    Defect.objects.update(state=state)
    retest = services.retest(defect, by=tester)

    finish(retest.run, "passed")

    assert now(defect).state == "verified"
    assert defect.closed_at is not None
    assert Retest.objects.get().state == "passed"
    assert defect.evidence.get(kind="pass").execution.run == retest.run
    assert kinds(defect)[-2:] == ["retest", "state"]
    assert defect.events.last().actor is None
    assert defect.events.last().data["run"] == retest.run.number


@pytest.mark.parametrize(("state", "after"), [("fixed", "reopened"), ("open", "open"), ("rejected", "rejected")])
def test_a_failing_retest_reopens_what_was_fixed(defect: Defect, tester: User, state: str, after: str) -> None:
    Defect.objects.update(state=state)
    retest = services.retest(defect, by=tester)

    finish(retest.run, "failed")

    assert now(defect).state == after
    assert Retest.objects.get().state == "failed"
    assert defect.evidence.filter(kind="failure", execution__run=retest.run).count() == 1
    assert defect.events.filter(kind="retest").last().data["same_reason"] is True


def test_a_retest_that_fails_otherwise_says_so(defect: Defect, tester: User) -> None:
    retest = services.retest(defect, by=tester)
    finish(retest.run, "failed", message="connection refused")

    assert defect.events.filter(kind="retest").last().data["same_reason"] is False


def test_a_rejected_defect_stays_rejected_when_its_retest_passes(defect: Defect, tester: User) -> None:
    services.reject(defect, by=tester, reason="Meant so")
    retest = services.retest(defect, by=tester)

    finish(retest.run, "passed")

    assert now(defect).state == "rejected"
    assert defect.evidence.filter(kind="pass").count() == 1


def test_a_blocked_retest_shows_nothing(defect: Defect, tester: User) -> None:
    services.mark_fixed(defect, by=tester)
    retest = services.retest(defect, by=tester)

    finish(retest.run, "blocked")

    assert now(defect).state == "fixed"
    assert Retest.objects.get().state == "inconclusive"
    assert defect.events.last().data == {"state": "inconclusive", "why": "blocked"}


def test_a_cancelled_retest_shows_nothing(defect: Defect, tester: User) -> None:
    services.mark_fixed(defect, by=tester)
    retest = services.retest(defect, by=tester)

    cancel(retest.run)
    on_run_finished(None, run_id=retest.run.pk)

    assert now(defect).state == "fixed"
    assert defect.events.last().data == {"state": "inconclusive", "why": "cancelled"}


def test_failures_found_while_it_ran_must_pass_too(
    defect: Defect, environment: Environment, make_case: MakeCase, tester: User
) -> None:
    services.mark_fixed(defect, by=tester)
    retest = services.retest(defect, by=tester)
    other = played(environment, [make_case(title="Another")], "failed").executions.get()
    services.add_evidence(defect, other, by=tester)
    Defect.objects.update(state="fixed")

    finish(retest.run, "passed")

    assert now(defect).state == "fixed"
    assert Retest.objects.get().state == "passed"
    assert defect.events.last().data["missing"] == 1


def test_news_told_twice_changes_nothing(defect: Defect, tester: User) -> None:
    services.mark_fixed(defect, by=tester)
    retest = services.retest(defect, by=tester)
    finish(retest.run, "failed")
    before, evidence = kinds(defect), defect.evidence.count()

    on_run_finished(None, run_id=retest.run.pk)
    on_executions_failed(
        None, run_id=retest.run.pk, execution_ids=list(retest.run.executions.values_list("pk", flat=True))
    )

    assert kinds(defect) == before
    assert defect.evidence.count() == evidence


def test_a_retest_whose_news_was_lost_is_judged_by_the_task(defect: Defect, tester: User) -> None:
    retest = services.retest(defect, by=tester)
    TestRun.objects.filter(pk=retest.run.pk).update(phase="finished", verdict="passed")
    retest.run.executions.update(state="passed")

    assert tasks.settle_ended() == 1
    assert tasks.settle_ended() == 0
    assert now(defect).state == "verified"


def test_two_retests_do_not_run_at_once(defect: Defect, tester: User) -> None:
    services.retest(defect, by=tester)
    with pytest.raises(Conflict, match="running already"):
        services.retest(defect, by=tester)


def test_without_a_failing_execution_there_is_nothing_to_retest(system: System, tester: User) -> None:
    blank = services.open_defect(None, system=system, by=tester, title="Seen by hand")
    with pytest.raises(DomainError, match="No failing execution"):
        services.retest(blank, by=tester)


def test_archived_cases_are_not_repeated(defect: Defect, tester: User) -> None:
    TestCase.objects.update(status="archived")
    with pytest.raises(DomainError, match="No failing execution"):
        services.retest(defect, by=tester)


@pytest.fixture
def staging(system: System) -> Environment:
    return Environment.objects.create(system=system, name="Staging", slug="staging")


def test_a_retest_may_run_in_another_environment_of_the_system(
    defect: Defect, staging: Environment, tester: User, outsider: User
) -> None:
    foreign = Environment.objects.create(system=System.objects.get(slug="other"), name="X", slug="x")
    with pytest.raises(DomainError, match="of this system"):
        services.retest(defect, by=tester, environment=foreign)

    assert services.retest(defect, by=tester, environment=staging).run.environment == staging


@pytest.mark.parametrize("state", ["fixed", "verified"])
def test_the_same_failure_in_a_later_run_reopens(
    defect: Defect, environment: Environment, case: TestCase, state: str
) -> None:
    Defect.objects.update(state=state)

    run = played(environment, [case], "failed")

    assert now(defect).state == "reopened"
    assert kinds(defect)[-2:] == ["failure", "state"]
    assert defect.evidence.filter(execution__run=run, kind="failure").exists()

    on_executions_failed(None, run_id=run.pk, execution_ids=[run.executions.get().pk])
    assert kinds(defect).count("failure") == 1


@pytest.mark.parametrize("told_twice_before", ["fixed", "rejected"])
def test_a_run_planned_before_the_fix_says_nothing_of_it(
    defect: Defect, environment: Environment, case: TestCase, tester: User, told_twice_before: str
) -> None:
    run = planned(environment, [case])
    if told_twice_before == "fixed":
        services.mark_fixed(defect, by=tester)
    else:
        services.reject(defect, by=tester, reason="No")

    finish(run, "failed")

    assert now(defect).state == told_twice_before


def test_another_failure_of_the_same_case_does_not_reopen(
    defect: Defect, environment: Environment, case: TestCase, tester: User
) -> None:
    services.mark_fixed(defect, by=tester)
    played(environment, [case], "failed", message="connection refused")

    assert now(defect).state == "fixed"


def test_while_it_is_open_only_what_is_new_becomes_evidence(
    defect: Defect, environment: Environment, staging: Environment, case: TestCase, make_case: MakeCase
) -> None:
    played(environment, [case], "failed")
    assert defect.evidence.count() == 1

    played(environment, [case, make_case(title="Another")], "failed")
    assert defect.evidence.count() == 2

    played(staging, [case], "failed")
    assert defect.evidence.count() == 3
    assert kinds(defect) == ["opened", "failure", "failure"]


@pytest.fixture
def versions(point: IntegrationPoint) -> list[ComponentVersion]:
    """Orders 1.0, 1.1 and 1.2, made in that order."""
    orders = Component.objects.get(slug="orders")
    return [ComponentVersion.objects.create(component=orders, name=name) for name in ("1.0", "1.1", "1.2")]


def at_version(run: TestRun, name: str) -> TestRun:
    run.versions = {"orders": name}
    run.save(update_fields=["versions"])
    return run


@pytest.mark.parametrize(("deployed", "state"), [("1.1", "fixed"), ("1.2", "reopened"), ("9", "reopened")])
def test_a_run_without_the_fix_says_nothing_of_it(
    defect: Defect,
    environment: Environment,
    case: TestCase,
    tester: User,
    versions: list[ComponentVersion],
    deployed: str,
    state: str,
) -> None:
    services.mark_fixed(defect, by=tester, version=versions[2])

    finish(at_version(planned(environment, [case]), deployed), "failed")

    assert now(defect).state == state


@pytest.mark.parametrize(("verdict", "state"), [("passed", "inconclusive"), ("failed", "inconclusive")])
def test_a_retest_without_the_fix_is_inconclusive(
    defect: Defect, tester: User, versions: list[ComponentVersion], verdict: str, state: str
) -> None:
    services.mark_fixed(defect, by=tester, version=versions[2])
    retest = services.retest(defect, by=tester)

    finish(at_version(retest.run, "1.0"), verdict)

    assert (now(defect).state, Retest.objects.get().state) == ("fixed", state)
    assert defect.events.last().data["why"] == "without-fix"


def test_a_version_that_showed_it_lacks_the_fix_even_when_it_is_newer(
    defect: Defect,
    failure: Execution,
    environment: Environment,
    case: TestCase,
    tester: User,
    versions: list[ComponentVersion],
) -> None:
    at_version(failure.run, "1.1")
    services.mark_fixed(defect, by=tester, version=versions[0])  # the way back is the fix

    finish(at_version(planned(environment, [case]), "1.1"), "failed")
    assert now(defect).state == "fixed"

    finish(at_version(planned(environment, [case]), "1.0"), "failed")
    assert now(defect).state == "reopened"
