"""Who does manual work, one verdict on several executions, and what is kept of both."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role, Team, User
from apps.catalog.models import TestCase, TestSuite
from apps.core.errors import Conflict, DomainError
from apps.environments.models import Environment
from apps.execution import services
from apps.execution.services import Asked
from apps.runs import services as runs
from apps.runs.models import Execution, ExecutionEvent, StepResult, TestRun
from tests.conftest import member
from tests.runs.story import MANUAL, ended, planned_run, step, taken, waiting_at, waiting_execution

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]
MakeCase = Callable[..., TestCase]


@pytest.fixture
def rows(environment: Environment, make_case: MakeCase) -> list[Execution]:
    """Four executions of one case (data rows) that wait for the same step."""
    case = make_case("The mail looks right", MANUAL, mode="mixed")
    planned = [runs.Planned(case=case, row={"n": n}, row_label=str(n)) for n in range(4)]
    run = runs.create_run(
        environment=environment, planned=planned, title="Rows", started_by=None, trigger="person", seed=1
    )
    runs.record([waiting_at(one) for one in taken(run)])
    return list(run.executions.order_by("position"))


@pytest.fixture
def work(environment: Environment, make_case: MakeCase, system: Any) -> TestRun:
    """A run of 7 manual cases in three suites (4, 2, 1) and one automated case."""
    suites = [TestSuite.objects.create(system=system, name=name) for name in ("A", "B", "C")]
    cases = [make_case(f"Case {n}", MANUAL, mode="manual") for n in range(7)]
    for case, place in zip(cases, (0, 0, 0, 0, 1, 1, 2), strict=True):
        TestCase.objects.filter(pk=case.pk).update(suite=suites[place])
    return planned_run(environment, [*cases, make_case("By itself")])


def asked(executions: list[Execution], **changes: Any) -> list[Asked]:
    return [Asked(**({"execution": one.pk, "step": 1, "attempt": 1} | changes)) for one in executions]


def states(run: TestRun) -> dict[str, int]:
    run.refresh_from_db()
    return {state: run.executions.filter(state=state).count() for state in ("waiting", "queued")} | {"run": run.waiting}


# -- one verdict on several


def test_one_verdict_is_stored_on_all_that_were_chosen(
    rows: list[Execution], tester: User, sent: Any, commits: Any
) -> None:
    run = rows[0].run
    with commits():
        done = services.finish_manual_steps(asked(rows[:3]), run=run, verdict="passed", note="All fine", by=tester)

    assert done == [one.pk for one in rows[:3]]
    assert states(run) == {"waiting": 1, "queued": 3, "run": 1}
    assert sent == [("execution", done)]
    assert set(StepResult.objects.filter(position=1).values_list("state", "note")) == {
        ("passed", "All fine"),
        ("waiting", ""),
    }


def test_bulk_verdicts_sent_twice_are_stored_once(rows: list[Execution], tester: User, sent: Any, commits: Any) -> None:
    run = rows[0].run
    with commits():
        services.finish_manual_steps(asked(rows[:3]), run=run, verdict="passed", by=tester)
        again = services.finish_manual_steps(asked(rows), run=run, verdict="passed", by=tester)

    assert again == [rows[3].pk]
    assert ExecutionEvent.objects.filter(kind="verdict").count() == 4
    assert states(run) == {"waiting": 0, "queued": 4, "run": 0}


@pytest.mark.parametrize("why", ["held", "moved", "attempt", "stranger"])
def test_nothing_is_stored_when_one_of_them_cannot_be_judged(
    rows: list[Execution], tester: User, lead: User, why: str, environment: Environment, make_case: MakeCase
) -> None:
    run, wanted = rows[0].run, asked(rows)
    if why == "held":
        Execution.objects.filter(pk=rows[2].pk).update(assigned_to=lead)
    elif why == "moved":
        Execution.objects.filter(pk=rows[2].pk).update(resume_at=2)
    elif why == "attempt":
        wanted[2] = Asked(rows[2].pk, 1, attempt=7)
    else:
        wanted[2] = Asked(waiting_execution(environment, make_case).pk, 1)

    with pytest.raises(Conflict) as refused:
        services.finish_manual_steps(wanted, run=run, verdict="passed", by=tester)

    assert refused.value.code == "bulk-refused"
    assert [error["field"] for error in refused.value.errors] == [f"executions.{wanted[2].execution}"]
    assert states(run)["queued"] == 0
    assert not ExecutionEvent.objects.exists()


def test_passed_needs_the_same_step_and_blocked_does_not(
    environment: Environment, make_case: MakeCase, tester: User
) -> None:
    run = planned_run(environment, [make_case("One", MANUAL), make_case("Two", MANUAL)])
    executions = taken(run)
    runs.record([waiting_at(one) for one in executions])

    with pytest.raises(Conflict) as refused:
        services.finish_manual_steps(asked(executions), run=run, verdict="passed", by=tester)
    assert refused.value.code == "different-steps"
    assert states(run)["waiting"] == 2

    services.finish_manual_steps(asked(executions), run=run, verdict="blocked", note="Staging is down", by=tester)
    assert states(run) == {"waiting": 0, "queued": 2, "run": 0}


def test_a_bulk_verdict_costs_the_same_for_many(
    rows: list[Execution], tester: User, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(16):
        services.finish_manual_steps(asked(rows), run=rows[0].run, verdict="skipped", by=tester)


# -- who does what


def test_work_is_split_evenly_and_what_somebody_has_stays_theirs(
    work: TestRun, tester: User, lead: User, admin: User
) -> None:
    first = work.executions.get(title="Case 0")
    services.assign([first], to=admin, by=lead)

    given = services.split(work, [tester, lead], by=lead)

    assert given == {tester.pk: 3, lead.pk: 3}
    first.refresh_from_db()
    assert first.assigned_to == admin
    assert work.executions.get(title="By itself").assigned_to is None
    assert services.split(work, [tester, lead, admin], by=lead, again=True) == {tester.pk: 3, lead.pk: 2, admin.pk: 2}


def test_a_suite_stays_with_one_person(work: TestRun, tester: User, lead: User) -> None:
    given = services.split(work, [tester, lead], by=lead, how="suite")

    assert sorted(given.values()) == [3, 4]
    for suite in TestSuite.objects.filter(cases__executions__run=work, name__in="ABC").distinct():
        assert work.executions.filter(case__suite=suite).values("assigned_to").distinct().count() == 1


def test_only_testers_of_the_team_are_asked(
    work: TestRun, tester: User, lead: User, viewer: User, outsider: User
) -> None:
    for stranger in (viewer, outsider):
        with pytest.raises(DomainError):
            services.split(work, [tester, stranger], by=lead)
        with pytest.raises(DomainError):
            services.assign(work.executions.all(), to=stranger, by=lead)
    assert not work.executions.exclude(assigned_to=None).exists()


def test_several_are_assigned_or_none(work: TestRun, tester: User, lead: User) -> None:
    executions = list(work.executions.all())
    Execution.objects.filter(pk=executions[3].pk).update(state="skipped")

    with pytest.raises(Conflict):
        services.assign(executions, to=tester, by=lead)

    assert not work.executions.exclude(assigned_to=None).exists()
    assert not ExecutionEvent.objects.exists()


def test_nothing_to_split_is_said(environment: Environment, make_case: MakeCase, tester: User) -> None:
    run = planned_run(environment, [make_case("By itself")])

    with pytest.raises(Conflict, match="no manual work"):
        services.split(run, [tester], by=tester)


def test_every_deed_is_kept_with_person_and_time(rows: list[Execution], tester: User, lead: User) -> None:
    one = rows[0]
    services.assign([one], to=tester, by=lead)
    services.assign([one], to=tester, by=lead)  # nothing changes: nothing happened
    services.assign([one], to=lead, by=lead)
    services.assign([one], to=None, by=tester)
    services.finish_manual_step(one, step=1, verdict="failed", note="It is blank.", by=tester)

    deeds = [(e.kind, e.actor, e.before, e.assignee, e.state, e.note) for e in one.events.all()]
    assert deeds == [
        ("assigned", lead, None, tester, "", ""),
        ("assigned", lead, tester, lead, "", ""),
        ("assigned", tester, lead, None, "", ""),
        ("verdict", tester, None, None, "failed", "It is blank."),
    ]
    verdict = one.events.last()
    assert verdict is not None
    assert (verdict.attempt, verdict.position, verdict.step) == (1, 1, "Look at the mail")
    assert verdict.duration_ms is not None


# -- in the browser's forms


def text(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def key(one: Execution) -> str:
    return f"{one.pk}:{one.attempt}:{one.resume_at}"


def test_chosen_executions_take_one_verdict_from_the_page(
    sign_in: Callable[[User], Client], rows: list[Execution], tester: User
) -> None:
    client, run = sign_in(tester), rows[0].run
    url = f"/s/shop/runs/{run.number}/verdicts/"
    chosen = [key(one) for one in rows[:2]]

    assert client.post(url, {"verdict": "passed"}).status_code == 422
    assert client.post(url, {"execution": ["1"], "verdict": "passed"}).status_code == 422
    noteless = client.post(url, {"execution": chosen, "verdict": "failed"})
    assert noteless.status_code == 422
    assert "Say what you saw" in text(noteless.content)

    answer = client.post(url, {"execution": chosen, "verdict": "passed"}, headers={"HX-Request": "true"})

    assert "The verdict is stored on 2 executions." in text(answer.content)
    assert states(run) == {"waiting": 2, "queued": 2, "run": 2}


def test_the_page_shares_a_run_out_and_gives_chosen_ones_away(
    sign_in: Callable[[User], Client], work: TestRun, tester: User, lead: User, viewer: User
) -> None:
    client, url = sign_in(tester), f"/s/shop/runs/{work.number}"

    assert client.post(f"{url}/split/", {"people": [tester.pk, lead.pk], "how": "evenly"}).status_code == 302
    assert work.executions.filter(assigned_to=lead).count() == 4
    first = work.executions.earliest("position")
    client.post(f"{url}/assign/", {"execution": [f"{first.pk}:0:0"], "user": ""})
    first.refresh_from_db()
    assert first.assigned_to is None
    for body in ({"people": [viewer.pk], "how": "evenly"}, {"how": "evenly"}, {"people": [tester.pk], "how": "x"}):
        assert client.post(f"{url}/split/", body).status_code == 422
    assert client.post(f"{url}/assign/", {"execution": ["99:0:0"], "user": tester.pk}).status_code == 422
    assert sign_in(viewer).post(f"{url}/split/", {"people": [tester.pk], "how": "evenly"}).status_code == 403


@pytest.mark.parametrize("path", ["", "?who=me", "?state=waiting", "?who=nobody"])
def test_the_run_page_asks_as_often_for_many_people_and_executions(
    sign_in: Callable[[User], Client],
    environment: Environment,
    make_case: MakeCase,
    tester: User,
    team: Team,
    path: str,
) -> None:
    client, counts = sign_in(tester), []
    for people in (2, 12):
        names = [member(team, Role.TESTER, f"P{people}x{n}") for n in range(people)]
        run = planned_run(environment, [make_case(f"Case {n}", MANUAL, mode="manual") for n in range(2 * people)])
        runs.record([waiting_at(one) for one in taken(run)[:people]])
        services.split(run, [*names, tester], by=tester)
        client.get(f"/s/shop/runs/{run.number}/{path}")
        with CaptureQueriesContext(connection) as captured:
            page = text(client.get(f"/s/shop/runs/{run.number}/{path}").content)
        counts.append(len(captured))
        assert f"P{people}x0" in page

    assert counts[0] == counts[1] <= 22


@pytest.mark.parametrize("deeds", [2, 20])
def test_the_execution_page_and_the_api_ask_as_often_for_many_deeds(
    sign_in: Callable[[User], Client], api: Any, rows: list[Execution], tester: User, lead: User, deeds: int
) -> None:
    for n in range(deeds):
        services.assign([rows[0]], to=(tester, lead)[n % 2], by=lead)
    client, url = sign_in(tester), f"/s/shop/executions/{rows[0].pk}/"
    client.get(url)

    with CaptureQueriesContext(connection) as page:
        assert text(client.get(url).content).count("gave it to Tom") == deeds // 2
    with CaptureQueriesContext(connection) as program:
        assert len(api(tester).get(f"/api/v1/executions/{rows[0].pk}/").json()["events"]) == deeds

    assert len(page) <= 24
    assert len(program) <= 14


# -- by programs


def test_a_program_assigns_splits_and_judges(
    api: Any, rows: list[Execution], tester: User, lead: User, team: Team
) -> None:
    client, run, one = api(tester), rows[0].run, rows[0]
    second = member(team, Role.TESTER, "Uma")

    shares = client.post(f"/api/v1/runs/{run.pk}/split/", {"people": [lead.email, second.email]}, format="json")
    assert shares.json() == [{"user": lead.email, "executions": 2}, {"user": second.email, "executions": 2}]
    mine = client.post(f"/api/v1/executions/{one.pk}/assign/", {"user": tester.email}, format="json")
    assert (mine.json()["assigned_to"], mine.json()["waiting_step"]) == (tester.email, 1)
    listed = client.get(f"/api/v1/executions/?run={run.pk}&assigned_to=me").json()["results"]
    assert [row["id"] for row in listed] == [one.pk]

    bad = client.post(f"/api/v1/executions/{one.pk}/verdict/", {"step": 1, "verdict": "failed"}, format="json")
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "note")
    body = {"step": 1, "verdict": "failed", "note": "Blank."}
    assert client.post(f"/api/v1/executions/{one.pk}/verdict/", body, format="json").json()["state"] == "queued"
    events = client.get(f"/api/v1/executions/{one.pk}/").json()["events"]
    assert [(event["kind"], event["actor"], event["note"]) for event in events] == [
        ("assigned", tester.email, ""),
        ("assigned", tester.email, ""),
        ("verdict", tester.email, "Blank."),
    ]


def test_a_program_judges_several_or_none(api: Any, rows: list[Execution], tester: User, lead: User) -> None:
    client, run = api(tester), rows[0].run
    services.assign([rows[1]], to=lead, by=lead)
    body = {"executions": [{"id": one.pk, "step": 1} for one in rows], "verdict": "passed"}

    refused = client.post(f"/api/v1/runs/{run.pk}/verdicts/", body, format="json")
    assert refused.status_code == 409
    assert refused.json()["errors"] == [{"field": f"executions.{rows[1].pk}", "detail": "is in the hands of Lena"}]
    taken_over = {"executions": [one.pk for one in rows], "user": tester.email}
    assert client.post(f"/api/v1/runs/{run.pk}/assign/", taken_over, format="json").status_code == 200

    judged = client.post(f"/api/v1/runs/{run.pk}/verdicts/", body, format="json")

    assert judged.json() == {"executions": [one.pk for one in rows]}


def test_a_program_cannot_ask_strangers_nor_for_executions_of_other_runs(
    api: Any, work: TestRun, rows: list[Execution], tester: User, viewer: User, outsider: User
) -> None:
    client, url = api(tester), f"/api/v1/runs/{work.pk}"
    for stranger in (viewer.email, outsider.email, "nobody@example.test"):
        assert client.post(f"{url}/split/", {"people": [stranger]}, format="json").status_code == 400
    body = {"executions": [rows[0].pk], "user": tester.email}
    assert client.post(f"{url}/assign/", body, format="json").status_code == 422
    assert api(viewer).post(f"{url}/split/", {"people": [tester.email]}, format="json").status_code == 403


def test_an_ended_execution_keeps_its_deeds_beside_automated_results(rows: list[Execution], tester: User) -> None:
    services.finish_manual_step(rows[0], step=1, verdict="passed", by=tester)
    [execution] = taken(rows[0].run)
    runs.record([ended(execution, step(2))])

    assert [event.state for event in rows[0].events.all()] == ["passed"]
