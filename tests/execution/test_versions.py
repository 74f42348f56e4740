"""Plans that are meant for versions, and what a run would be before it is started."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.catalog.services import save_plan
from apps.core.errors import Conflict, DomainError
from apps.environments.models import Environment
from apps.environments.services import deploy_named
from apps.execution import services
from apps.runs.models import CaseRecord, TestRun
from apps.systems.models import Component, System
from tests.runs.story import finished_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]
MakeCase = Callable[..., TestCase]


def text(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


@pytest.fixture
def deploy(system: System, environment: Environment, lead: User) -> Callable[[str], None]:
    """``deploy("1.1")``: that version of the inventory runs in the environment from now on."""
    component = Component.objects.create(system=system, name="Inventory", slug="inventory")

    def to(version: str) -> None:
        deploy_named(environment, component, version, by=lead)

    return to


@pytest.fixture
def plan(system: System, lead: User, deploy: Any, make_case: MakeCase) -> TestPlan:
    make_case("One")
    return save_plan(system, by=lead, name="Stock", everything=True, versions={"inventory": ["1.1", "1.0"]})


def start(plan: TestPlan, environment: Environment, by: User, **more: Any) -> TestRun:
    cases = plan.system.cases.all()
    return services.start_run(
        system=plan.system, environment=environment, plan=plan, cases=cases, started_by=by, **more
    )


def test_a_run_keeps_the_versions_of_its_beginning(
    plan: TestPlan, environment: Environment, tester: User, deploy: Any
) -> None:
    deploy("1.1")
    run = start(plan, environment, tester)

    deploy("1.0")

    run.refresh_from_db()
    assert run.versions == {"inventory": "1.1"}
    assert start(plan, environment, tester).versions == {"inventory": "1.0"}


def test_a_run_on_other_versions_is_refused_unless_asked_for(
    plan: TestPlan, environment: Environment, tester: User, deploy: Any
) -> None:
    with pytest.raises(Conflict, match=r"inventory is not deployed, it should be 1\.1 or 1\.0"):
        start(plan, environment, tester)
    deploy("1.2")
    with pytest.raises(Conflict, match=r"inventory is 1\.2, it should be 1\.1 or 1\.0") as refused:
        start(plan, environment, tester)
    assert refused.value.code == "other-versions"
    assert not TestRun.objects.exists()

    run = start(plan, environment, tester, any_versions=True)

    assert run.versions == {"inventory": "1.2"}
    assert services.rerun(run, by=tester, fresh=True).versions == {"inventory": "1.2"}


@pytest.mark.parametrize(
    "versions", [{"nothing": ["1"]}, {"inventory": []}, {"inventory": "1.1"}, {"inventory": [" "]}, ["inventory"]]
)
def test_versions_that_make_no_sense_are_refused(system: System, lead: User, deploy: Any, versions: Any) -> None:
    with pytest.raises(DomainError) as refused:
        save_plan(system, by=lead, name="Odd", versions=versions)

    assert refused.value.errors[0]["field"] == "versions"


def test_the_form_says_which_versions_differ_and_starts_all_the_same_when_told(
    plan: TestPlan, environment: Environment, tester: User, deploy: Any, sign_in: Callable[[User], Client]
) -> None:
    deploy("1.2")
    client, body = sign_in(tester), {"plan": "stock", "environment": "local"}

    before = text(client.get("/s/shop/runs/start/?plan=stock&environment=local").content)
    refused = client.post("/s/shop/runs/start/", body)

    assert "Deployed now inventory 1.2" in before
    assert "inventory is 1.2, it should be 1.1 or 1.0" in before
    assert refused.status_code == 422
    assert "has other versions than this plan is meant for" in text(refused.content)
    assert client.post("/s/shop/runs/start/", body | {"any_versions": "on"}).status_code == 302


def test_a_lead_writes_versions_line_by_line(plan: TestPlan, lead: User, sign_in: Callable[[User], Client]) -> None:
    client, url = sign_in(lead), "/s/shop/plans/stock/edit/"
    assert "inventory: 1.1, 1.0" in client.get(url).content.decode()
    body = {"name": "Stock", "everything": "on", "versions": "inventory: 2.0 , 2.1\n\n"}

    assert client.post(url, body).status_code == 302
    plan.refresh_from_db()
    assert plan.versions == {"inventory": ["2.0", "2.1"]}
    for wrong, said in (("inventory 2.0", "Line 1"), ("stock: 1", "No such component: stock")):
        answer = client.post(url, body | {"versions": wrong})
        assert (answer.status_code, said in text(answer.content)) == (400, True)


def test_a_program_asks_before_it_starts(
    plan: TestPlan, environment: Environment, tester: User, viewer: User, deploy: Any, api: Any, make_case: MakeCase
) -> None:
    make_case("By hand", mode="manual")
    deploy("1.2")
    body = {"system": "shop", "environment": "local", "plan": "stock"}

    found = api(tester).post("/api/v1/runs/estimate/", body, format="json").json()

    assert (found["executions"], found["by_person"], found["automated"], found["unmeasured"]) == (2, 1, 1, 1)
    assert found["versions"] == {"inventory": "1.2"}
    assert found["unmet"] == [{"component": "inventory", "wanted": ["1.1", "1.0"], "deployed": "1.2"}]
    assert found["notices"][0]["queue"] == "execution"  # no worker listens
    assert not TestRun.objects.exists()
    assert api(viewer).post("/api/v1/runs/estimate/", body, format="json").status_code == 403
    assert api(tester).post("/api/v1/runs/", body, format="json").status_code == 409
    assert api(tester).post("/api/v1/runs/", body | {"any_versions": True}, format="json").status_code == 201


def test_the_estimate_says_how_much_of_it_is_measured(
    environment: Environment, make_case: MakeCase, tester: User, sign_in: Callable[[User], Client]
) -> None:
    client, cases = sign_in(tester), [make_case(f"Case {n}") for n in range(3)]
    url = "/s/shop/runs/start/?environment=local&" + "&".join(f"case={case.number}" for case in cases)
    assert "a guess: none has run here" in text(client.get(url).content)

    finished_run(environment, cases[:2], ["", ""])
    assert CaseRecord.objects.exclude(duration_ms=None).count() == 2
    assert "1 has never run here" in text(client.get(url).content)

    finished_run(environment, cases[2:], [""])
    assert "from earlier durations" in text(client.get(url).content)


@pytest.mark.parametrize("runs", [3, 30])
def test_the_plan_compares_versions_in_as_many_queries_for_many_runs(
    plan: TestPlan, environment: Environment, tester: User, deploy: Any, sign_in: Callable[[User], Client], runs: int
) -> None:
    for version, reason in (("1.1", ""), ("1.2", "broken")):
        deploy(version)
        for _n in range(runs):
            finished_run(environment, list(plan.system.cases.all()), [reason], plan=plan)
    client = sign_in(tester)
    page = text(client.get("/s/shop/plans/stock/").content)

    assert re.search(r"inventory 1\.2\s+Failed #\d+ 0/1 Local \d+ runs not meant for it", page)
    assert re.search(r"inventory 1\.1\s+Passed #\d+ 1/1 Local", page)
    assert "inventory 1.0 Unknown never ran on it" in page
    with CaptureQueriesContext(connection) as captured:
        client.get("/s/shop/plans/stock/")
    assert len(captured) <= 20
