"""The page of one seam: every environment, its latency, its results."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.runs.models import Execution, PointRecord, StepResult, TestRun
from apps.systems import services
from apps.systems.models import IntegrationPoint
from tests.insights.test_map import at, latency, result

SignIn = Callable[[User], Client]
MakeCase = Callable[..., TestCase]


def step(point: IntegrationPoint, environment: Environment, case: TestCase, state: str = "passed") -> StepResult:
    run, _ = TestRun.objects.get_or_create(
        system=point.system, number=environment.pk, defaults={"title": "Run", "environment": environment}
    )
    assert case.current is not None
    execution = Execution.objects.create(
        run=run, position=run.executions.count() + 1, case=case, revision=case.current, title=case.title, state=state
    )
    return StepResult.objects.create(
        execution=execution, attempt=1, position=0, name="Place", kind="http", point=point, state=state
    )


def test_the_page_of_a_seam_shows_every_environment_and_its_latency(
    point: IntegrationPoint, environment: Environment, viewer: User, sign_in: SignIn
) -> None:
    staging = Environment.objects.create(system=point.system, name="Staging", slug="staging")
    result(point, staging, "failed")
    latency(point, staging, 80, days_ago=2)

    context = sign_in(viewer).get(point.get_absolute_url()).context

    assert {standing.environment.slug: bool(standing.record) for standing in context["standings"]} == {
        "local": False,
        "staging": True,
    }
    assert context["environment"] == staging
    p95 = context["chart"]["series"][1]["values"]
    assert len(p95) == 30 and p95[-3] == pytest.approx(80, rel=0.04) and p95[-1] is None


def test_of_many_environments_the_page_of_a_seam_tells_those_with_something_to_tell(
    point: IntegrationPoint, viewer: User, sign_in: SignIn
) -> None:
    places = [Environment.objects.create(system=point.system, name=f"E{n}", slug=f"e{n}", position=n) for n in range(9)]
    result(point, places[3])
    client, url = sign_in(viewer), point.get_absolute_url()

    response = client.get(url + "?environment=e7")

    assert [one.environment.slug for one in response.context["standings"]] == ["e3", "e7"]
    assert "7 environments without a result" in response.content.decode()
    assert [one.slug for one in response.context["untested"]] == ["e0", "e1", "e2", "e4", "e5", "e6", "e8"]


def test_results_are_paged_newest_first_and_of_one_environment_when_asked(
    point: IntegrationPoint, environment: Environment, viewer: User, make_case: MakeCase, sign_in: SignIn
) -> None:
    case = make_case()
    staging = Environment.objects.create(system=point.system, name="Staging", slug="staging")
    rows = [step(point, environment, case) for _ in range(23)]
    other = step(point, staging, case)
    step(point, staging, case, "skipped")
    client, url = sign_in(viewer), point.get_absolute_url()

    first = client.get(url).context["results"]
    rest = client.get(f"{url}?before={first.older}").context["results"]

    assert [row.pk for row in first.rows] == [other.pk, *(row.pk for row in reversed(rows[4:]))]
    assert [row.pk for row in rest.rows] == [row.pk for row in reversed(rows[:4])] and rest.older is None
    assert [row.pk for row in client.get(f"{url}?environment=staging").context["results"].rows] == [other.pk]
    assert client.get(f"{url}?before=x").status_code == 200


def test_the_page_of_a_seam_costs_the_same_however_much_there_is(
    point: IntegrationPoint,
    environment: Environment,
    viewer: User,
    lead: User,
    make_case: MakeCase,
    sign_in: SignIn,
) -> None:
    client = sign_in(viewer)

    def more(number: int) -> None:
        case = make_case()
        case.points.add(point)
        step(point, environment, case)
        Defect.objects.create(system=point.system, number=number, title="D", point=point, owner=lead)
        services.save_workflow(point.system, name=f"W{number}", points=[point], by=lead)
        place = Environment.objects.create(system=point.system, name=f"E{number}", slug=f"e{number}")
        PointRecord.objects.create(
            point=point,
            environment=place,
            state="passed",
            last_at=timezone.now(),
            last_execution=Execution.objects.first(),
        )
        latency(point, place, 20, days_ago=1)

    def count(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    more(1)
    urls = [point.get_absolute_url(), at(point=point.slug)]
    before = [count(url) for url in urls]
    for number in range(2, 12):
        more(number)

    assert [count(url) for url in urls] == before
    assert max(before) <= 22
