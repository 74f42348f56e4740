import pytest

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.core.errors import DomainError
from apps.defects import services
from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.runs.models import Execution
from apps.systems.models import Component, IntegrationPoint, System
from tests.defects.play import MakeCase, finish, planned, played

pytestmark = pytest.mark.django_db


def test_a_defect_opened_from_a_failure_says_what_was_expected_and_where(
    failure: Execution, system: System, tester: User, point: IntegrationPoint
) -> None:
    defect = services.open_defect(failure, system=system, by=tester)

    assert defect.key == "D1"
    assert defect.title == "Place the order: expected status equals 201, got 500"
    assert "C1 An order is paid" in defect.description
    assert "Expected: `201`" in defect.description
    assert "Actual: `500`" in defect.description
    assert (defect.point, defect.component) == (point, point.provider)
    assert defect.failure_group == failure.failure_group
    assert (defect.state, defect.reported_by) == ("open", tester)
    assert [(one.execution, one.kind) for one in defect.evidence.all()] == [(failure, "failure")]
    assert [event.kind for event in defect.events.all()] == ["opened"]


@pytest.mark.parametrize(("priority", "criticality", "severity"), [(3, 2, 3), (2, 4, 4), (1, 1, 1)])
def test_it_is_as_severe_as_the_case_or_the_seam(
    failure: Execution,
    system: System,
    tester: User,
    point: IntegrationPoint,
    priority: int,
    criticality: int,
    severity: int,
) -> None:
    TestCase.objects.update(priority=priority)
    IntegrationPoint.objects.update(criticality=criticality)
    execution = Execution.objects.get(pk=failure.pk)

    assert services.open_defect(execution, system=system, by=tester).severity == severity


def test_what_a_person_gives_wins_over_the_draft(failure: Execution, system: System, tester: User) -> None:
    defect = services.open_defect(failure, system=system, by=tester, title="Orders break", severity=1, owner=tester)

    assert (defect.title, defect.severity, defect.owner) == ("Orders break", 1, tester)
    assert defect.description


def test_all_executions_of_the_run_that_failed_for_the_reason_are_evidence(
    environment: Environment, make_case: MakeCase, point: IntegrationPoint, system: System, tester: User
) -> None:
    run = played(environment, [make_case(title=name) for name in "ABC"], "failed", "passed", "failed")
    first, _passed, third = run.executions.order_by("position")

    defect = services.open_defect(third, system=system, by=tester)

    assert {one.execution for one in defect.evidence.all()} == {first, third}


def test_one_that_failed_for_another_reason_is_no_evidence(
    environment: Environment, make_case: MakeCase, point: IntegrationPoint, system: System, tester: User
) -> None:
    run = planned(environment, [make_case(title="A"), make_case(title="B")])
    finish(run, "failed", only=1)
    finish(run, "failed", message="connection refused")

    defect = services.open_defect(run.executions.get(position=1), system=system, by=tester)

    assert defect.evidence.count() == 1


def test_a_passed_execution_shows_no_defect(
    environment: Environment, case: TestCase, point: IntegrationPoint, system: System, tester: User
) -> None:
    passed = played(environment, [case], "passed").executions.get()

    with pytest.raises(DomainError, match="did not fail"):
        services.open_defect(passed, system=system, by=tester)
    assert not Defect.objects.exists()


def test_a_defect_needs_a_title(system: System, tester: User) -> None:
    with pytest.raises(DomainError) as refused:
        services.open_defect(None, system=system, by=tester, title="  ")
    assert refused.value.errors[0]["field"] == "title"


def test_parts_of_another_system_are_refused(system: System, tester: User, outsider: User) -> None:
    other = Component.objects.create(system=System.objects.get(slug="other"), name="X", slug="x")

    with pytest.raises(DomainError, match="another system"):
        services.open_defect(None, system=system, by=tester, title="A title", component=other)


def test_a_blank_defect_takes_evidence_later(failure: Execution, system: System, tester: User) -> None:
    defect = services.open_defect(None, system=system, by=tester, title="Seen by hand")

    services.add_evidence(defect, failure, by=tester)
    services.add_evidence(defect, failure, by=tester)

    defect.refresh_from_db()
    assert defect.evidence.count() == 1
    assert [event.kind for event in defect.events.all()] == ["opened", "failure"]
    assert defect.failure_group == failure.failure_group


def test_a_fence_in_a_value_does_not_break_out_of_the_description(
    environment: Environment, case: TestCase, point: IntegrationPoint, system: System, tester: User
) -> None:
    check = {"label": "body", "passed": False, "expected": "a", "actual": "```\n# big\n```", "message": "differs"}
    execution = played(environment, [case], "failed", checks=[check]).executions.get()

    defect = services.open_defect(execution, system=system, by=tester)

    assert "````\n```\n# big\n```\n````" in defect.description


def test_a_description_that_outweighs_its_page_is_refused(system: System, tester: User) -> None:
    with pytest.raises(DomainError) as refused:
        services.open_defect(None, system=system, by=tester, title="Long", description="x" * 20_001)
    assert [item["field"] for item in refused.value.errors] == ["description"]

    defect = services.open_defect(None, system=system, by=tester, title="Long", description="x" * 20_000)
    with pytest.raises(DomainError, match="20000"):
        services.change(defect, by=tester, description="x" * 20_001)
