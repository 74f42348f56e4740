from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Membership, Role, User
from apps.catalog.models import TestCase
from apps.defects import services
from apps.environments.models import Environment
from apps.insights.activity import recent
from apps.insights.waiting import waiting_for
from apps.runs.models import Execution
from apps.systems.models import IntegrationPoint, System, Workflow, WorkflowPoint
from tests.defects.play import MakeCase, finish, planned, played

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
DASHBOARD, PERFORMANCE = "/s/shop/", "/s/shop/performance/"


def queries(client: Client, url: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        response = client.get(url, headers=headers)
    assert response.status_code == 200
    assert len(response.content) < 150_000
    return len(asked)


def waiting(run_of: Environment, case: TestCase, user: User | None) -> Execution:
    """An execution that waits for a person."""
    run = planned(run_of, [case])
    run.executions.update(state="waiting", assigned_to=user)
    return run.executions.get()


def test_an_empty_system_teaches_its_first_steps(system: System, lead: User, sign_in: SignIn) -> None:
    response = sign_in(lead).get(DASHBOARD)

    assert [step.is_done for step in response.context["steps"]] == [False] * 4
    page = response.content.decode()
    assert "First steps" in page
    assert "/s/shop/environments/new/" in page


def test_steps_are_ticked_and_go_when_all_are_done(
    environment: Environment, point: IntegrationPoint, make_case: MakeCase, lead: User, sign_in: SignIn
) -> None:
    client, case = sign_in(lead), make_case()
    assert [step.is_done for step in client.get(DASHBOARD).context["steps"]] == [True, True, True, False]

    played(environment, [case], "passed")
    assert client.get(DASHBOARD).context["steps"] == []


def test_a_tester_is_not_sent_to_what_only_leads_may_do(system: System, tester: User, sign_in: SignIn) -> None:
    page = sign_in(tester).get(DASHBOARD).content.decode()

    assert "/s/shop/environments/new/" not in page
    assert "/s/shop/runs/start/" in page


def test_the_first_screen_says_what_speaks_against_it(
    environment: Environment, point: IntegrationPoint, make_case: MakeCase, viewer: User, sign_in: SignIn
) -> None:
    case = make_case(priority=3)
    case.points.add(point)
    played(environment, [case], "failed")

    response = sign_in(viewer).get(DASHBOARD)

    page = response.content.decode()
    assert 'data-verdict="not_ready"' in page
    assert "1 important case fails" in page
    assert [record.point for record in response.context["failing"]] == [point]


def test_the_parts_that_change_are_fetched_alone(
    environment: Environment, make_case: MakeCase, viewer: User, sign_in: SignIn
) -> None:
    client = sign_in(viewer)
    planned(environment, [make_case()])
    whole = client.get(DASHBOARD).content.decode()
    assert "/live/s/shop/?after=" in whole

    part = client.get(DASHBOARD, headers={"HX-Target": "now"}).content.decode()

    assert "<html" not in part
    assert "#1" in part
    assert 'id="activity"' in part
    assert 'hx-swap-oob="true"' in part


def test_the_dashboard_asks_as_many_queries_for_much_as_for_little(
    environment: Environment, system: System, point: IntegrationPoint, make_case: MakeCase, tester: User,
    lead: User, sign_in: SignIn,
) -> None:  # fmt: skip
    client = sign_in(tester)

    def busy(number: int) -> None:
        case = make_case(title=f"Case {number}", priority=3)
        place = Environment.objects.create(system=system, name=f"E{number}", slug=f"e{number}")
        failing = played(place, [case], "failed").executions.get()
        defect = services.open_defect(failing, system=system, by=tester, owner=tester, another=True)
        services.comment(defect, by=lead, text="@tom")
        fixed = services.open_defect(failing, system=system, by=tester, another=True)
        services.mark_fixed(fixed, by=lead)
        waiting(place, case, tester)
        planned(place, [case])

    busy(0)
    few, few_now = queries(client, DASHBOARD), queries(client, DASHBOARD, **{"HX-Target": "now"})
    for number in range(1, 5):
        busy(number)
    assert queries(client, DASHBOARD) == few
    assert queries(client, DASHBOARD, **{"HX-Target": "now"}) == few_now
    for number in range(5, 12):
        busy(number)
    assert queries(client, DASHBOARD) <= few + 5  # more of a kind than are shown: their number is asked


def named(response: Any) -> list[str]:
    return [card.readiness.environment.slug for card in response.context["verdicts"].cards]


def test_many_environments_leave_room_for_the_rest_the_most_pressing_are_shown(
    system: System, point: IntegrationPoint, make_case: MakeCase, viewer: User, sign_in: SignIn
) -> None:
    client, case = sign_in(viewer), make_case(priority=3)
    places = [Environment.objects.create(system=system, name=f"E{n}", slug=f"e{n}", position=n) for n in range(6)]
    assert named(client.get(DASHBOARD)) == [place.slug for place in places]  # few: all, in their own order
    for number in range(6, 40):
        Environment.objects.create(system=system, name=f"E{number}", slug=f"e{number}", position=number)
    played(Environment.objects.get(slug="e20"), [case], "passed")
    for slug in ("e30", "e25"):
        played(Environment.objects.get(slug=slug), [case], "failed")
    Environment.objects.filter(slug="e39").update(is_production=True)
    served = client.get(DASHBOARD)
    page = served.content.decode()

    assert named(served)[:3] == ["e39", "e25", "e30"] and len(named(served)) == 6
    assert "e20" not in named(served)
    assert "40 environments" in page and "2 Not ready" in page and "37 No evidence" in page and "1 Ready" in page
    assert 'href="?environments=all"' in page

    whole = client.get(DASHBOARD + "?environments=all")
    assert named(whole) == [f"e{n}" for n in range(24)]
    rest = client.get(DASHBOARD + "?environments=all&page=2", headers={"HX-Target": "now"})
    assert named(rest) == [f"e{n}" for n in range(24, 40)]
    for nonsense in ("x", "-1", "99999999999999999999"):
        assert client.get(f"{DASHBOARD}?environments=all&page={nonsense}").status_code == 200


def test_any_number_of_environments_costs_as_many_queries_and_as_much_page(
    system: System, point: IntegrationPoint, make_case: MakeCase, viewer: User, sign_in: SignIn
) -> None:
    client = sign_in(viewer)
    make_case(priority=3)
    asked, sizes = [], []
    for number in range(300):
        Environment.objects.create(system=system, name=f"E{number}", slug=f"e{number:03}", position=number)
        if number in (29, 299):
            asked.append([queries(client, url) for url in (DASHBOARD, DASHBOARD + "?environments=all", "/?all")])
            sizes.append([len(client.get(url).content) for url in (DASHBOARD, "/?all")])

    assert asked[0] == asked[1]
    assert all(after < before + 200 for before, after in zip(*sizes, strict=True))


def test_what_waits_is_mine_or_anybodys(
    environment: Environment, system: System, make_case: MakeCase, point: IntegrationPoint, tester: User, lead: User
) -> None:
    case = make_case()
    mine, anybodys = waiting(environment, case, tester), waiting(environment, case, None)
    waiting(environment, case, lead)
    failing = played(environment, [case], "failed").executions.get()
    owned = services.open_defect(failing, system=system, by=lead, owner=tester)
    reported = services.open_defect(failing, system=system, by=tester, another=True)
    services.mark_fixed(reported, by=lead)
    others = services.open_defect(failing, system=system, by=tester, owner=lead, another=True)
    services.mark_fixed(others, by=lead)
    services.comment(others, by=lead, text="@tom @lena")

    found = waiting_for(tester, system)

    assert [one.pk for one in found.manual] == [mine.pk, anybodys.pk]
    assert list(found.owned) == [owned]
    assert list(found.retests) == [reported]
    assert [mention.event.defect for mention in found.mentions] == [others]
    assert found.total == 5


def test_a_retest_that_runs_already_waits_for_nobody(
    environment: Environment, system: System, make_case: MakeCase, point: IntegrationPoint, tester: User
) -> None:
    failing = played(environment, [make_case()], "failed").executions.get()
    defect = services.open_defect(failing, system=system, by=tester, owner=tester)
    services.mark_fixed(defect, by=tester)
    assert waiting_for(tester, system).retest_count == 1

    services.retest(defect, by=tester)
    assert waiting_for(tester, system).retest_count == 0


def test_recent_activity_has_runs_and_what_happened_to_defects(
    environment: Environment, system: System, make_case: MakeCase, point: IntegrationPoint, tester: User
) -> None:
    open_run = planned(environment, [make_case()])
    run = played(environment, [make_case()], "failed")
    defect = services.open_defect(run.executions.get(), system=system, by=tester)
    services.start_work(defect, by=tester)

    found = recent(system)

    assert [one.run or one.event.kind for one in found] == ["state", "opened", run, open_run]  # type: ignore[union-attr]
    assert found[0].words == "moved this from Open to In progress"


def test_performance_does_not_say_that_nothing_got_slower_when_there_is_nothing_to_compare_with(
    environment: Environment, system: System, point: IntegrationPoint, make_case: MakeCase, viewer: User,
    sign_in: SignIn,
) -> None:  # fmt: skip
    played(environment, [make_case()], "passed")

    page = sign_in(viewer).get(PERFORMANCE).content.decode()

    assert "Nothing to compare with yet." in page
    assert "notably slower" not in page


@pytest.fixture
def measured(
    system: System, environment: Environment, point: IntegrationPoint, make_case: MakeCase
) -> IntegrationPoint:
    """The one hop of a workflow, measured once with 42 ms."""
    flow = Workflow.objects.create(system=system, name="Order to mail", slug="order-to-mail")
    WorkflowPoint.objects.create(workflow=flow, point=point, position=1)
    played(environment, [make_case()], "passed", latency_ms=42.0)
    return point


def test_performance_ranks_seams_and_draws_the_chosen_one(
    environment: Environment, measured: IntegrationPoint, viewer: User, sign_in: SignIn
) -> None:
    client = sign_in(viewer)

    context = client.get(PERFORMANCE).context

    assert context["environment"] == environment
    assert [row.point for row in context["rows"]] == [measured]
    assert context["rows"][0].latency.p95 == pytest.approx(42, rel=0.032)
    assert context["chart"]["series"][0]["values"][-1] == pytest.approx(42, rel=0.032)
    [path] = context["paths"]
    assert (path.missing, path.hops[0].share, path.hops[0].is_longest) == (0, 100.0, True)
    assert client.get(PERFORMANCE, {"days": "30", "point": measured.slug}).context["days"] == 30
    assert client.get(PERFORMANCE, {"days": "31", "point": "?", "environment": "x"}).context["days"] == 7


def test_bars_of_workflows_are_drawn_in_every_language(
    measured: IntegrationPoint, viewer: User, sign_in: SignIn
) -> None:
    viewer.language = "es"
    viewer.save()

    page = sign_in(viewer).get(PERFORMANCE).content.decode()

    assert 'lang="es"' in page and 'x="0.00" width="100.00"' in page


def test_performance_asks_as_many_queries_for_many_seams_as_for_one(
    environment: Environment,
    system: System,
    point: IntegrationPoint,
    make_case: MakeCase,
    viewer: User,
    sign_in: SignIn,
) -> None:
    client, case = sign_in(viewer), make_case()
    flow = Workflow.objects.create(system=system, name="F", slug="f")
    WorkflowPoint.objects.create(workflow=flow, point=point, position=1)
    played(environment, [case], "passed")
    few = queries(client, PERFORMANCE)
    for number in range(6):
        other = IntegrationPoint.objects.create(
            system=system, consumer=point.consumer, provider=point.provider, protocol="http", slug=f"p{number}",
            operation=f"GET /{number}",
        )  # fmt: skip
        played(environment, [case], "passed", point=other.slug)
        again = Workflow.objects.create(system=system, name=f"F{number}", slug=f"f{number}")
        WorkflowPoint.objects.create(workflow=again, point=other, position=1)

    assert queries(client, PERFORMANCE) == few


def test_nothing_measured_teaches(system: System, viewer: User, sign_in: SignIn) -> None:
    assert "No latency measured" in sign_in(viewer).get(PERFORMANCE).content.decode()


def test_one_system_is_opened_at_once_and_several_are_cards(system: System, lead: User, sign_in: SignIn) -> None:
    client = sign_in(lead)
    assert client.get("/").headers["Location"] == DASHBOARD

    second = System.objects.create(team=system.team, name="Warehouse", slug="warehouse")
    Environment.objects.create(system=second, name="Local", slug="local")
    page = client.get("/").content.decode()
    assert "Warehouse" in page
    assert "No evidence" in page


def test_without_a_system_the_start_page_teaches(lead: User, viewer: User, sign_in: SignIn, outsider: User) -> None:
    assert "/teams/shop-team/systems/new/" in sign_in(lead).get("/").content.decode()
    page = sign_in(viewer).get("/").content.decode()
    assert "/systems/new/" not in page
    assert "Other system" not in page
    assert Client().get("/").status_code == 302


def test_the_start_page_asks_as_many_queries_for_many_systems_as_for_two(
    system: System, lead: User, sign_in: SignIn
) -> None:
    client = sign_in(lead)

    def add(number: int) -> None:
        other = System.objects.create(team=system.team, name=f"S{number}", slug=f"s{number}")
        Environment.objects.create(system=other, name="Local", slug="local")

    add(0)
    few = queries(client, "/")
    for number in range(1, 6):
        add(number)
    assert queries(client, "/") == few


def test_an_outsider_finds_nothing(system: System, outsider: User, sign_in: SignIn) -> None:
    client = sign_in(outsider)
    for url in (DASHBOARD, PERFORMANCE, "/s/shop/search/", "/api/v1/dashboard/shop/"):
        assert client.get(url).status_code == 404


def test_the_api_tells_the_same_as_the_page(
    environment: Environment, point: IntegrationPoint, make_case: MakeCase, viewer: User, sign_in: SignIn
) -> None:
    played(environment, [make_case(priority=3)], "failed")

    body = sign_in(viewer).get("/api/v1/dashboard/shop/").json()

    assert body["environments"][0]["verdict"] == "not_ready"
    assert body["environments"][0]["reasons"] == {"cases_failing": 1}
    assert body["days"][-1]["failed"] == 1
    assert body["latency"][0]["point"] == point.slug
    assert body["open_defects"] == {"critical": 0, "high": 0, "medium": 0, "low": 0}


def test_a_finished_run_leaves_the_list_of_those_in_progress(
    environment: Environment, make_case: MakeCase, point: IntegrationPoint, viewer: User, sign_in: SignIn
) -> None:
    run = planned(environment, [make_case(title="Slow")])
    client = sign_in(viewer)
    assert client.get(DASHBOARD).context["running"] == [run]

    finish(run, "passed")
    assert client.get(DASHBOARD).context["running"] == []


def test_a_member_of_a_team_below_lead_sees_no_button_for_a_system(
    system: System, tester: User, sign_in: SignIn
) -> None:
    System.objects.create(team=system.team, name="Second", slug="second")
    assert "/systems/new/" not in sign_in(tester).get("/").content.decode()

    Membership.objects.filter(user=tester).update(role=Role.LEAD, joined_at=timezone.now() - timedelta(days=1))
    assert "/systems/new/" in sign_in(tester).get("/").content.decode()
