"""The system map: what each seam says, how it is laid out and drawn, and the page of one seam."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.environments.services import deploy_named
from apps.insights import metrics
from apps.insights.map import LEVELS, graph, map_of
from apps.insights.map_layout import arrange
from apps.runs import histogram
from apps.runs.models import Execution, LatencyDay, PointRecord, StepResult, TestRun
from apps.systems import services
from apps.systems.models import Component, IntegrationPoint, System

SignIn = Callable[[User], Client]
MakeCase = Callable[..., TestCase]


def result(point: IntegrationPoint, environment: Environment, state: str = "passed") -> PointRecord:
    return PointRecord.objects.create(
        point=point, environment=environment, state=state, strip="PPF", last_at=timezone.now()
    )


def latency(point: IntegrationPoint, environment: Environment, ms: float, *, days_ago: int) -> None:
    LatencyDay.objects.create(
        point=point,
        environment=environment,
        day=metrics.today() - timedelta(days=days_ago),
        count=20,
        total_ms=ms * 20,
        buckets=histogram.of([ms] * 20),
    )


@pytest.fixture
def second(point: IntegrationPoint, lead: User) -> IntegrationPoint:
    """Another operation between the same two components."""
    return services.save_point(
        point.system,
        consumer=point.consumer,
        provider=point.provider,
        protocol="grpc",
        operation="shop.v1.Orders/Get",
        by=lead,
    )


# Layout


def test_callers_stand_above_what_they_call() -> None:
    layout = arrange(["db", "web", "orders"], [("web", "orders"), ("orders", "db")])

    assert [layout.nodes[name].layer for name in ("web", "orders", "db")] == [0, 1, 2]


def test_the_same_system_is_always_drawn_the_same_way() -> None:
    nodes, edges = ["a", "b", "c", "d"], [("a", "c"), ("a", "d"), ("b", "c"), ("d", "b")]

    assert arrange(nodes, edges) == arrange(nodes, list(reversed(edges)))


@pytest.mark.parametrize(
    "edges",
    [
        [("a", "b"), ("b", "a")],
        [("a", "b"), ("b", "c"), ("c", "a")],
        [("a", "a")],
        [("a", "gone")],
        [],
        [(x, y) for x in "abc" for y in "abc" if x != y],
    ],
)
def test_circles_and_strays_are_laid_out_without_two_in_one_place(edges: list[tuple[str, str]]) -> None:
    layout = arrange(["a", "b", "c"], edges)

    assert set(layout.nodes) == {"a", "b", "c"}
    assert len(set(layout.nodes.values())) == 3


def test_a_long_chain_and_a_wide_fan_are_no_problem() -> None:
    names = [f"n{number}" for number in range(1_500)]

    chain = arrange(names, list(pairwise(names)))
    fan = arrange(names[:300], [(names[0], name) for name in names[1:300]])

    assert (chain.layers, fan.layers, fan.width) == (1_500, 2, 299)


def test_an_edge_over_several_layers_bends_round_what_is_between() -> None:
    layout = arrange(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])

    (bend,) = layout.bends["a", "c"]
    assert bend.layer == 1 and bend != layout.nodes["b"]


def test_who_reads_a_queue_stands_beside_who_writes_it() -> None:
    edges = [("web", "orders"), ("orders", "events"), ("notifier", "events"), ("notifier", "mail")]

    layout = arrange(["web", "orders", "events", "notifier", "mail"], edges)

    assert layout.nodes["notifier"].layer == layout.nodes["orders"].layer == 1


def test_crossings_are_avoided_where_they_can_be() -> None:
    layout = arrange(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])

    assert (layout.nodes["a"].slot < layout.nodes["b"].slot) == (layout.nodes["y"].slot < layout.nodes["x"].slot)


# States


def test_a_seam_says_failed_passed_or_unknown_for_this_environment_only(
    point: IntegrationPoint, second: IntegrationPoint, environment: Environment
) -> None:
    elsewhere = Environment.objects.create(system=point.system, name="Staging", slug="staging")
    result(point, environment, "failed")
    result(second, elsewhere, "passed")

    here = {seam.point: seam.level("result").key for seam in map_of(point.system, environment).seams}
    there = {seam.point: seam.level("result").key for seam in map_of(point.system, elsewhere).seams}

    assert here == {point: "failed", second: "unknown"}
    assert there == {point: "unknown", second: "passed"}


def test_coverage_counts_active_cases_once(
    point: IntegrationPoint, environment: Environment, make_case: MakeCase
) -> None:
    def key() -> str:
        (seam,) = map_of(point.system, environment).seams
        return seam.level("coverage").key

    assert key() == "none"
    make_case().points.add(point)
    make_case(status="draft").points.add(point)
    assert key() == "thin"
    make_case().points.add(point)
    assert key() == "covered"


def test_slower_is_against_the_week_before(
    point: IntegrationPoint, second: IntegrationPoint, environment: Environment
) -> None:
    for one, now in ((point, 200), (second, 101)):
        latency(one, environment, now, days_ago=1)
        latency(one, environment, 100, days_ago=9)

    seams = {seam.point: seam for seam in map_of(point.system, environment).seams}

    assert [seams[one].level("latency").key for one in (point, second)] == ["slower", "steady"]
    assert seams[point].latency is not None and seams[point].latency.p95 == pytest.approx(200, rel=0.04)


def test_without_environments_the_map_still_shows_coverage(point: IntegrationPoint, make_case: MakeCase) -> None:
    make_case().points.add(point)

    (seam,) = map_of(point.system, None).seams

    assert (seam.state, seam.latency, seam.cases) == ("unknown", None, 1)


def test_filters_find_failed_untested_and_slow(
    point: IntegrationPoint, second: IntegrationPoint, environment: Environment, make_case: MakeCase
) -> None:
    result(point, environment, "failed")
    make_case().points.add(point)
    latency(point, environment, 200, days_ago=1)
    latency(point, environment, 100, days_ago=9)
    found = map_of(point.system, environment)

    assert [[seam.point for seam in found.of(show=show)] for show in ("failed", "untested", "slow")] == [
        [point],
        [second],
        [point],
    ]


def test_every_level_differs_by_sign_line_and_word_not_only_by_tone() -> None:
    for levels in LEVELS.values():
        for part in ("sign", "icon", "word"):
            assert len({str(getattr(level, part)) for level in levels}) == len(levels)
        assert len({level.line for level in levels}) >= 2


# Graph


def test_seams_of_the_same_pair_are_one_edge_drawn_as_the_worst(
    point: IntegrationPoint, second: IntegrationPoint, environment: Environment, lead: User
) -> None:
    result(point, environment, "passed")
    result(second, environment, "failed")
    deploy_named(environment, point.provider, "1.4.0", by=lead)

    drawn = graph(map_of(point.system, environment), colour="result")

    (edge,) = drawn["edges"]
    assert (edge["source"], edge["target"], edge["tone"], edge["heavy"]) == ("storefront", "orders", "failed", True)
    assert edge["label"].split("\n") == ["✕ Orders/Get", "✓ POST /orders"]
    assert set(edge["points"]) == {point.slug, second.slug}
    assert {node["id"]: node["version"] for node in drawn["nodes"]} == {"storefront": "", "orders": "1.4.0"}


def test_many_seams_of_a_pair_are_counted_not_written(point: IntegrationPoint, lead: User) -> None:
    for number in range(5):
        services.save_point(
            point.system,
            consumer=point.consumer,
            provider=point.provider,
            protocol="http",
            operation=f"GET /{number}",
            by=lead,
        )

    (edge,) = graph(map_of(point.system, None), colour="coverage")["edges"]

    assert len(edge["label"].split("\n")) == 4 and edge["label"].endswith("+ 3 more")
    assert edge["short"] == "∅ 6"


def test_a_workflow_numbers_its_hops_and_quiets_the_rest(
    point: IntegrationPoint, second: IntegrationPoint, lead: User
) -> None:
    other = Component.objects.create(system=point.system, name="Mail", slug="mail")
    services.save_point(
        point.system, consumer=point.provider, provider=other, protocol="mail", operation="send", by=lead
    )
    workflow = services.save_workflow(point.system, name="Buy", points=[second, point, second], by=lead)

    drawn = graph(map_of(point.system, None), colour="coverage", workflow=workflow)

    lines = {edge["target"]: edge for edge in drawn["edges"]}
    assert lines["orders"]["label"].split("\n") == ["1, 3. ∅ Orders/Get", "2. ∅ POST /orders"]
    assert (lines["orders"]["quiet"], lines["mail"]["quiet"]) == (False, True)


# Pages


def at(**query: str) -> str:
    return reverse("insights:map", args=["shop"]) + "?" + "&".join(f"{name}={value}" for name, value in query.items())


def test_an_empty_map_teaches(system: System, lead: User, viewer: User, sign_in: SignIn) -> None:
    assert "Add the first component" in sign_in(lead).get(at()).content.decode()
    seen = sign_in(viewer).get(at()).content.decode()
    assert "Draw your system" in seen and "Add the first component" not in seen


def test_the_graph_is_data_and_the_list_says_the_same(
    point: IntegrationPoint, environment: Environment, viewer: User, sign_in: SignIn
) -> None:
    result(point, environment, "failed")

    response = sign_in(viewer).get(at(environment="local"))

    body = response.content.decode()
    data = json.loads(body.split('<script id="map-graph" type="application/json">')[1].split("</script>")[0])
    assert data["edges"][0]["tone"] == "failed"
    row = body.split(f'data-seam="{point.slug}"')[1].split("</a>")[0]
    assert "Failed" in row and "POST /orders" in row and "Storefront → Orders" in row
    assert "style=" not in body.split("<main")[1]


def test_the_environment_with_results_is_shown_first(
    point: IntegrationPoint, environment: Environment, viewer: User, sign_in: SignIn
) -> None:
    staging = Environment.objects.create(system=point.system, name="Staging", slug="staging", position=5)
    result(point, staging)
    client = sign_in(viewer)

    assert client.get(at()).context["environment"] == staging
    assert client.get(at(environment="local")).context["environment"] == environment


@pytest.mark.parametrize(
    ("query", "panel"),
    [
        ({}, "list"),
        ({"point": "storefront-orders-create"}, "seam"),
        ({"from": "storefront", "to": "orders"}, "pair"),
        ({"component": "orders"}, "component"),
        ({"point": "gone"}, "list"),
        ({"component": "gone"}, "list"),
        ({"from": "orders", "to": "storefront"}, "list"),
    ],
)
def test_the_panel_follows_the_address(
    point: IntegrationPoint,
    second: IntegrationPoint,
    environment: Environment,
    viewer: User,
    sign_in: SignIn,
    query: dict[str, str],
    panel: str,
) -> None:
    client = sign_in(viewer)

    whole = client.get(reverse("insights:map", args=["shop"]), query)
    part = client.get(reverse("insights:map-panel", args=["shop"]), {"colour": "coverage", **query})

    assert whole.context["panel"] == part.context["panel"] == panel
    assert part["HX-Push-Url"].startswith("/s/shop/map/?colour=coverage")
    assert "<html" not in part.content.decode()


def test_the_panel_of_a_seam_has_its_evidence(
    point: IntegrationPoint, environment: Environment, tester: User, make_case: MakeCase, sign_in: SignIn
) -> None:
    case = make_case(title="An order is placed")
    case.points.add(point)
    result(point, environment)
    Defect.objects.create(system=point.system, number=1, title="Doubled", point=point)
    Defect.objects.create(system=point.system, number=2, title="Gone", point=point, state="verified")

    body = sign_in(tester).get(at(point=point.slug)).content.decode()

    assert "An order is placed" in body and "Doubled" in body and "Gone" not in body
    assert f"?environment=local&amp;case={case.number}" in body


def test_an_outsider_gets_no_map(point: IntegrationPoint, outsider: User, sign_in: SignIn) -> None:
    client = sign_in(outsider)

    for name, slugs in (("map", ()), ("map-panel", ()), ("point", (point.slug,))):
        assert client.get(reverse(f"insights:{name}", args=["shop", *slugs])).status_code == 404


def grow(system: System, environment: Environment, make_case: MakeCase, count: int) -> None:
    """*count* more components, each with a seam, a result, latencies and a case."""
    base = system.components.count()
    for number in range(base, base + count):
        component = Component.objects.create(system=system, name=f"Service {number}", slug=f"service-{number}")
        consumer = system.components.order_by("pk")[number // 2]
        point = IntegrationPoint.objects.create(
            system=system,
            consumer=consumer,
            provider=component,
            slug=f"p{number}",
            protocol="http",
            operation=f"GET /things/{number}",
        )
        result(point, environment)
        latency(point, environment, 50, days_ago=1)
        make_case().points.add(point)


def test_the_map_costs_the_same_at_any_size_and_stays_light(
    point: IntegrationPoint, environment: Environment, viewer: User, make_case: MakeCase, sign_in: SignIn
) -> None:
    client = sign_in(viewer)
    grow(point.system, environment, make_case, 1)
    counts = []
    for more in (0, 100):
        grow(point.system, environment, make_case, more)
        with CaptureQueriesContext(connection) as captured:
            response = client.get(at())
        counts.append(len(captured))

    assert counts[1] <= counts[0] <= 18
    assert len(response.content) < 150_000


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
