from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.environments.models import Environment
from apps.runs import services as runs
from apps.runs.models import TestRun
from tests.runs.conftest import result

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]
MakeCase = Callable[..., TestCase]


def test_a_program_starts_a_plan_and_reads_its_results(
    api: Any, tester: User, environment: Environment, make_case: MakeCase
) -> None:
    make_case("A"), make_case("B")
    TestPlan.objects.create(system=environment.system, name="All", slug="all", everything=True)
    client = api(tester)

    started = client.post("/api/v1/runs/", {"system": "shop", "environment": "local", "plan": "all"})

    assert started.status_code == 201, started.json()
    run = TestRun.objects.get(pk=started.json()["id"])
    assert (started.json()["total"], started.json()["trigger"], run.started_by) == (2, "api", tester)
    runs.claim(list(run.executions.values_list("pk", flat=True)), "w", timedelta(seconds=60))
    good, bad = run.executions.order_by("position")
    runs.record([result(good), result(bad, "failed")])
    polled = client.get(f"/api/v1/runs/{run.pk}/").json()
    assert (polled["state"], polled["passed"], polled["failed"]) == ("failed", 1, 1)
    [failed] = client.get(f"/api/v1/executions/?run={run.pk}&state=failed").json()["results"]
    detail = client.get(f"/api/v1/executions/{failed['id']}/").json()
    assert detail["steps"][0]["message"] == "status is 500, expected 201"
    assert detail["attempts"][0]["state"] == "failed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"system": "shop", "environment": "local"}, "non_field_errors"),
        ({"system": "shop", "environment": "nowhere", "cases": [1]}, "environment"),
        ({"system": "shop", "environment": "local", "cases": [99]}, "cases"),
        ({"system": "shop", "environment": "local", "plan": "none"}, "plan"),
        ({"environment": "local", "cases": [1]}, "system"),
    ],
)
def test_a_bad_start_names_the_field_and_starts_nothing(
    api: Any, tester: User, environment: Environment, body: dict[str, Any], field: str
) -> None:
    answer = api(tester).post("/api/v1/runs/", body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert any(error["field"].startswith(field) for error in answer.json()["errors"])
    assert TestRun.objects.count() == 0


def test_a_viewer_starts_nothing_and_an_outsider_sees_nothing(
    api: Any, viewer: User, outsider: User, tester: User, environment: Environment, make_case: MakeCase
) -> None:
    case = make_case()
    body = {"system": "shop", "environment": "local", "cases": [case.number]}
    run = api(tester).post("/api/v1/runs/", body).json()

    assert api(viewer).post("/api/v1/runs/", body).status_code == 403
    assert api(viewer).post(f"/api/v1/runs/{run['id']}/cancel/").status_code == 403
    assert api(outsider).post("/api/v1/runs/", body).status_code == 400
    assert api(outsider).get(f"/api/v1/runs/{run['id']}/").status_code == 404
    assert api(outsider).get("/api/v1/executions/").json()["results"] == []
    assert TestRun.objects.count() == 1


def test_cancel_and_rerun(api: Any, tester: User, environment: Environment, make_case: MakeCase) -> None:
    client = api(tester)
    body = {"system": "shop", "environment": "local", "cases": [make_case().number]}
    run = client.post("/api/v1/runs/", body).json()

    assert client.post(f"/api/v1/runs/{run['id']}/cancel/").json()["state"] == "cancelled"
    again = client.post(f"/api/v1/runs/{run['id']}/cancel/")
    assert (again.status_code, again.json()["type"]) == (409, "urn:integhub:run-ended")
    rerun = client.post(f"/api/v1/runs/{run['id']}/rerun/", {"which": "all"})
    assert (rerun.status_code, rerun.json()["rerun_of"]) == (201, run["id"])


def test_an_unknown_filter_is_refused(api: Any, tester: User, environment: Environment) -> None:
    answer = api(tester).get("/api/v1/runs/?plan__system__team=1")

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:integhub:unknown-filter"


def test_lists_cost_the_same_whatever_their_size(
    api: Any, tester: User, environment: Environment, make_case: MakeCase
) -> None:
    client = api(tester)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/api/v1/runs/?page_size=200")
            client.get("/api/v1/executions/?page_size=200")
        return len(queries)

    def start(count: int) -> None:
        for _ in range(count):
            body = {"system": "shop", "environment": "local", "cases": [make_case().number]}
            assert client.post("/api/v1/runs/", body).status_code == 201

    start(2)
    few = cost()
    start(10)

    assert cost() == few
