"""Starting, cancelling and running again, from pages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.environments.models import DataRow, Dataset, Environment
from apps.runs.models import Execution, TestRun
from apps.systems.models import System
from tests.runs.story import finished_run, planned_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]  # no worker in these tests
MakeCase = Callable[..., TestCase]


def text(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def test_a_plan_is_started_in_an_environment(
    client: Client, system: System, environment: Environment, make_case: MakeCase, tester: User
) -> None:
    make_case("One")
    make_case("Two")
    plan = TestPlan.objects.create(system=system, name="All", slug="all", everything=True)

    answer = client.post("/s/shop/runs/start/", {"plan": "all", "environment": "local"})

    run = TestRun.objects.get()
    assert answer["Location"] == f"/s/shop/runs/{run.number}/"
    assert (run.plan, run.total, run.started_by, run.trigger) == (plan, 2, tester, "person")


def test_environments_are_offered_as_boxes_each_named_once(
    client: Client, environment: Environment, make_case: MakeCase
) -> None:
    page = client.get(f"/s/shop/runs/start/?environment=local&case={make_case().number}").content.decode()

    [boxes] = re.findall(r'<div class="check-list".*?</div>', page, re.DOTALL)
    assert " ".join(re.sub(r"<[^>]+>", " ", boxes).split()) == "Local"
    assert re.search(
        r'<input type="checkbox" name="environment" value="local"[^>]* class="form-check-input"[^>]*checked', boxes
    )


def test_chosen_cases_are_started(client: Client, environment: Environment, make_case: MakeCase) -> None:
    first, _, third = make_case("One"), make_case("Two"), make_case("Three")

    client.post("/s/shop/runs/start/", {"case": [first.number, third.number], "environment": "local"})

    assert {execution.case for execution in TestRun.objects.get().executions.all()} == {first, third}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"environment": "local"}, "This field is required"),
        ({"plan": "nothing", "environment": "local"}, "Select a valid choice"),
        ({"plan": "none", "environment": "elsewhere"}, "Select a valid choice"),
        ({"case": ["999"], "environment": "local"}, "999 is not one of the available choices"),
        ({"plan": "none", "environment": "local"}, "There is no active case to run here"),
    ],
)
def test_a_choice_that_cannot_be_started_is_explained_at_the_form(
    client: Client, system: System, environment: Environment, data: Any, said: str
) -> None:
    TestPlan.objects.create(system=system, name="None", slug="none", tags=["nowhere"])

    answer = client.post("/s/shop/runs/start/", data)

    assert answer.status_code == 422
    assert said in text(answer.content)
    assert not TestRun.objects.exists()


def test_the_form_says_how_much_a_run_would_be(
    client: Client, system: System, environment: Environment, make_case: MakeCase
) -> None:
    orders = Dataset.objects.create(system=system, name="Orders", slug="orders", columns=["sku"])
    for position in range(5):
        DataRow.objects.create(dataset=orders, position=position, values={"sku": str(position)})
    make_case("With rows", dataset=orders)
    make_case("By hand", mode="manual")
    TestPlan.objects.create(system=system, name="All", slug="all", everything=True)

    whole = client.get("/s/shop/runs/start/")
    part = client.get("/s/shop/runs/start/?plan=all&environment=local", headers={"HX-Target": "estimate"})

    for answer in (whole, part):
        assert "Executions 6 of 2 cases" in text(answer.content)
        assert "Need a person 1" in text(answer.content)
    assert b"<html" not in part.content


def test_production_is_pointed_out(client: Client, environment: Environment, make_case: MakeCase) -> None:
    case = make_case()
    Environment.objects.update(is_production=True)

    assert "act on real data" in text(client.get(f"/s/shop/runs/start/?case={case.number}").content)


def test_a_run_is_cancelled_once(client: Client, environment: Environment, make_case: MakeCase) -> None:
    run = planned_run(environment, [make_case()])
    path = f"/s/shop/runs/{run.number}/cancel/"

    assert client.get(path).status_code == 405
    assert client.post(path)["Location"] == f"/s/shop/runs/{run.number}/"
    run.refresh_from_db()
    assert run.phase == "cancelled"
    assert client.post(path).status_code == 409


@pytest.mark.parametrize(("which", "total"), [("all", 3), ("failed", 2), ("one", 1)])
def test_all_the_failed_or_one_run_again(
    client: Client, environment: Environment, make_case: MakeCase, which: str, total: int
) -> None:
    run = finished_run(environment, [make_case(f"Case {n}") for n in range(3)], ["", "broken", "broken"])
    chosen = str(run.executions.earliest("position").pk) if which == "one" else which

    answer = client.post(f"/s/shop/runs/{run.number}/rerun/", {"which": chosen})

    again = TestRun.objects.latest("pk")
    assert answer["Location"] == f"/s/shop/runs/{again.number}/"
    assert (again.rerun_of, again.total, again.trigger) == (run, total, "rerun")


def test_an_execution_of_another_run_is_not_run_again(
    client: Client, environment: Environment, make_case: MakeCase
) -> None:
    run = finished_run(environment, [make_case()], ["broken"])
    other = finished_run(environment, [make_case()], ["broken"])

    answer = client.post(f"/s/shop/runs/{run.number}/rerun/", {"which": other.executions.get().pk})

    assert answer.status_code == 422
    assert TestRun.objects.count() == 2


def test_a_viewer_starts_cancels_and_judges_nothing(
    sign_in: Callable[[User], Client], viewer: User, waiting: Execution
) -> None:
    client, number = sign_in(viewer), waiting.run.number

    for path in (
        "runs/start/",
        f"runs/{number}/cancel/",
        f"runs/{number}/rerun/",
        f"executions/{waiting.pk}/manual/",
        f"executions/{waiting.pk}/manual/files/",
        f"executions/{waiting.pk}/assign/",
    ):
        assert client.post(f"/s/shop/{path}").status_code == 403
