from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.defects import services
from apps.defects.models import Defect
from apps.environments.models import Deployment, Environment
from apps.insights.readiness import Readiness, Verdict, Why, readiness
from apps.runs.models import CaseRecord
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, System
from tests.defects.play import MakeCase, played

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
HIGH = TestCase.Priority.HIGH


@pytest.fixture
def case(make_case: MakeCase) -> TestCase:
    return make_case(priority=HIGH)


def judged(environment: Environment) -> Readiness:
    found = readiness([environment.system])[environment.system_id]
    return next(one for one in found if one.environment == environment)


def why(environment: Environment) -> tuple[Verdict, dict[Why, int]]:
    one = judged(environment)
    return one.verdict, {reason.why: reason.count for reason in one.reasons}


def deploy(environment: Environment, ago: timedelta) -> Deployment:
    component = Component.objects.get(slug="orders")
    number = ComponentVersion.objects.count()
    version = ComponentVersion.objects.create(component=component, name=str(number))
    Deployment.objects.filter(environment=environment).update(until=timezone.now())
    return Deployment.objects.create(
        environment=environment, component=component, version=version, since=timezone.now() - ago
    )


def test_everything_important_passed_is_ready(
    environment: Environment, case: TestCase, make_case: MakeCase, point: IntegrationPoint
) -> None:
    played(environment, [case], "passed")

    assert why(environment) == (Verdict.READY, {})
    assert (judged(environment).passed, judged(environment).cases) == (1, 1)


def test_nothing_important_is_no_evidence(environment: Environment, make_case: MakeCase) -> None:
    played(environment, [make_case()], "passed")

    assert why(environment) == (Verdict.NO_EVIDENCE, {Why.NOTHING_IMPORTANT: 1})


def test_a_case_that_never_ran_is_no_evidence(environment: Environment, case: TestCase, make_case: MakeCase) -> None:
    make_case(priority=HIGH)
    played(environment, [case], "passed")

    assert why(environment) == (Verdict.NO_EVIDENCE, {Why.CASES_MISSING: 1})


@pytest.mark.parametrize("state", ["failed", "blocked"])
def test_a_failing_case_says_no_even_when_another_never_ran(
    environment: Environment, case: TestCase, make_case: MakeCase, state: str
) -> None:
    make_case(priority=HIGH)
    played(environment, [case], state, point="")

    assert why(environment) == (Verdict.NOT_READY, {Why.CASES_FAILING: 1, Why.CASES_MISSING: 1})


def test_a_skipped_case_shows_nothing(environment: Environment, case: TestCase) -> None:
    played(environment, [case], "skipped")

    assert why(environment) == (Verdict.NO_EVIDENCE, {Why.CASES_MISSING: 1})


def test_an_unimportant_or_archived_failure_does_not_count(
    environment: Environment, case: TestCase, make_case: MakeCase
) -> None:
    archived, small = make_case(priority=HIGH), make_case()
    played(environment, [case, archived, small], "passed", "failed", "failed")
    TestCase.objects.filter(pk=archived.pk).update(status="archived")

    assert judged(environment).verdict == Verdict.READY


def test_what_passed_before_the_newest_deployment_is_no_evidence(
    environment: Environment, case: TestCase, point: IntegrationPoint
) -> None:
    deploy(environment, timedelta(days=2))
    played(environment, [case], "passed")
    assert judged(environment).verdict == Verdict.READY

    deploy(environment, timedelta(seconds=-1))
    assert why(environment) == (Verdict.NO_EVIDENCE, {Why.CASES_MISSING: 1})


def test_what_failed_before_the_newest_deployment_still_says_no(
    environment: Environment, case: TestCase, point: IntegrationPoint
) -> None:
    played(environment, [case], "failed")
    deploy(environment, timedelta(seconds=-1))

    assert judged(environment).verdict == Verdict.NOT_READY


def test_a_deployment_that_has_ended_does_not_make_results_old(
    environment: Environment, case: TestCase, point: IntegrationPoint
) -> None:
    played(environment, [case], "passed")
    gone = deploy(environment, timedelta(seconds=-1))
    gone.until = timezone.now()
    gone.save()

    assert judged(environment).verdict == Verdict.READY


def test_each_environment_is_judged_by_itself(environment: Environment, case: TestCase, system: System) -> None:
    staging = Environment.objects.create(system=system, name="Staging", slug="staging")
    played(environment, [case], "passed")
    played(staging, [case], "failed")

    assert judged(environment).verdict == Verdict.READY
    assert judged(staging).verdict == Verdict.NOT_READY


@pytest.mark.parametrize(
    ("state", "severity", "verdict"),
    [
        ("open", 3, Verdict.NOT_READY),
        ("fixed", 4, Verdict.NOT_READY),
        ("open", 2, Verdict.READY),
        ("verified", 4, Verdict.READY),
        ("rejected", 4, Verdict.READY),
    ],
)
def test_a_serious_unsolved_defect_seen_there_says_no(
    environment: Environment, case: TestCase, tester: User, state: str, severity: int, verdict: Verdict
) -> None:
    failing = played(environment, [case], "failed").executions.get()
    services.open_defect(failing, system=environment.system, by=tester, severity=severity)
    played(environment, [case], "passed")
    Defect.objects.update(state=state)

    assert judged(environment).verdict == verdict


def test_a_serious_defect_without_evidence_there_does_not(
    environment: Environment, case: TestCase, system: System, tester: User
) -> None:
    staging = Environment.objects.create(system=system, name="Staging", slug="staging")
    failing = played(staging, [case], "failed").executions.get()
    services.open_defect(failing, system=system, by=tester, severity=4)
    services.open_defect(None, system=system, by=tester, title="Seen by hand", severity=4)
    played(environment, [case], "passed")

    assert why(environment) == (Verdict.READY, {})


def test_a_critical_seam_must_have_passed(environment: Environment, case: TestCase, point: IntegrationPoint) -> None:
    IntegrationPoint.objects.update(criticality=4)
    played(environment, [case], "passed", point="")
    assert why(environment) == (Verdict.NO_EVIDENCE, {Why.POINTS_MISSING: 1})

    played(environment, [case], "passed")
    assert why(environment) == (Verdict.READY, {})


def test_a_critical_seam_that_failed_in_a_small_case_says_no(
    environment: Environment, case: TestCase, make_case: MakeCase, point: IntegrationPoint
) -> None:
    IntegrationPoint.objects.update(criticality=4)
    small = make_case()
    small.points.add(point)
    played(environment, [case, small], "passed", "failed")

    assert why(environment) == (Verdict.NOT_READY, {Why.POINTS_FAILING: 1})


def test_each_reason_leads_to_the_cases_that_it_counts(
    environment: Environment, make_case: MakeCase, point: IntegrationPoint, viewer: User, sign_in: SignIn
) -> None:
    failing, old, _never, fine, small = (make_case(title=name, priority=3) for name in ("F", "O", "N", "P", "S"))
    TestCase.objects.filter(pk=small.pk).update(priority=1)
    played(environment, [failing, old, small], "failed", "passed", "failed")
    deploy(environment, timedelta(seconds=-1))
    CaseRecord.objects.create(
        case=fine, environment=environment, state="passed", last_at=timezone.now() + timedelta(seconds=2)
    )
    client = sign_in(viewer)
    card = client.get("/s/shop/").context["verdicts"].cards[0]
    [against, missing] = [line.url for line in card.reasons]

    def shown(url: str) -> set[str]:
        return {row.case.title for row in client.get(url).context["list"].rows}

    assert shown(against) == {"F"}
    assert shown(missing) == {"O", "N"}
    assert [reason.count for reason in card.readiness.reasons] == [1, 2]


def test_many_systems_cost_as_many_queries_as_one(system: System, environment: Environment, case: TestCase) -> None:
    def cost(systems: list[System]) -> int:
        with CaptureQueriesContext(connection) as asked:
            readiness(systems)
        return len(asked)

    one = cost([system])
    others = [System.objects.create(team=system.team, name=f"S{n}", slug=f"s{n}") for n in range(5)]
    for other in others:
        for place in "ab":
            where = Environment.objects.create(system=other, name=place, slug=place)
            CaseRecord.objects.create(case=case, environment=where, state="passed", last_at=timezone.now())

    assert cost([system, *others]) == one == 6
