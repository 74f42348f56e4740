import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.runs import services
from apps.runs.models import CaseRecord, Execution, FailureGroup, TestRun
from apps.runs.pages import groups, progress
from apps.systems.models import IntegrationPoint, System
from tests.runs.story import ended, finished_run, planned_run, step, taken, waiting_execution

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., TestCase]


@pytest.fixture
def client(sign_in: Callable[[User], Client], tester: User) -> Client:
    return sign_in(tester)


@pytest.fixture
def cases(make_case: MakeCase) -> Callable[[int], list[TestCase]]:
    return lambda count: [make_case(f"Case {number}") for number in range(1, count + 1)]


def text(html: bytes | str) -> str:
    """What a reader sees: no tags, single spaces."""
    plain = html.decode() if isinstance(html, bytes) else html
    return " ".join(re.sub(r"<[^>]+>", " ", plain).split())


def queries(client: Client, path: str, **headers: str) -> int:
    client.get(path, headers=headers)  # what is read once and kept does not count
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(path, headers=headers).status_code == 200
    return len(captured)


# -- the list


def test_the_list_shows_each_run_with_its_verdict_and_counts(
    client: Client, environment: Environment, cases: Any
) -> None:
    one, two = cases(2)
    finished_run(environment, [one, two], ["", "status is 500, expected 201"], title="Nightly")

    page = text(client.get("/s/shop/runs/").content)

    assert "#1 Nightly" in page
    assert "1 / 2 passed" in page
    assert "Failed" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=failed", {1}),
        ("state=passed", {2}),
        ("state=queued", {3}),
        ("environment=staging", {2}),
        ("plan=smoke", {1}),
        ("by=me", {3}),
        ("trigger=api", {2}),
        ("state=failed&environment=staging", set()),
        ("state=nonsense", {1, 2, 3}),
        ("by=99999", {1, 2, 3}),
    ],
)
def test_filters_are_in_the_url(
    client: Client, system: System, environment: Environment, cases: Any, tester: User, query: str, shown: set[int]
) -> None:
    [case] = cases(1)
    staging = Environment.objects.create(system=system, name="Staging", slug="staging")
    plan = TestPlan.objects.create(system=system, name="Smoke", slug="smoke")
    finished_run(environment, [case], ["broken"], plan=plan)
    finished_run(staging, [case], [""], trigger="api")
    planned_run(environment, [case], started_by=tester)

    html = client.get(f"/s/shop/runs/?{query}").content.decode()

    assert {int(number) for number in re.findall(r'href="/s/shop/runs/(\d+)/"', html)} == shown


def test_the_list_costs_the_same_at_any_number_of_runs(client: Client, environment: Environment, cases: Any) -> None:
    [case] = cases(1)
    for _ in range(3):
        finished_run(environment, [case], [""])
    few = queries(client, "/s/shop/runs/")
    for _ in range(57):
        finished_run(environment, [case], [""])

    assert queries(client, "/s/shop/runs/") <= few + 1  # the second page's links
    assert "1–50" in text(client.get("/s/shop/runs/").content)


def test_what_waits_for_a_person_is_listed(
    client: Client, environment: Environment, make_case: MakeCase, tester: User
) -> None:
    execution = waiting_execution(environment, make_case)
    Execution.objects.filter(pk=execution.pk).update(assigned_to=tester)

    page = client.get("/s/shop/runs/?state=waiting").content

    assert f"/s/shop/executions/{execution.pk}/manual/".encode() in page
    assert "All 1 Mine 1 nobody yet 0" in text(page)
    free = client.get("/s/shop/runs/?state=waiting&who=nobody").content
    assert f"/s/shop/executions/{execution.pk}/manual/".encode() not in free


def test_an_empty_list_says_what_belongs_there(client: Client, system: System) -> None:
    page = client.get("/s/shop/runs/").content

    assert b"/s/shop/runs/start/" in page
    assert "Start the first run" in text(page)


# -- one run


def test_failures_are_grouped_by_reason_the_most_frequent_first(
    client: Client, environment: Environment, cases: Any, point: IntegrationPoint
) -> None:
    run = finished_run(environment, cases(4), ["", "row_count is 0", "status is 500", "status is 500"])

    page = text(client.get(f"/s/shop/runs/{run.number}/").content)

    assert "Failed for 2 reasons" in page
    assert page.index("status is 500") < page.index("row_count is 0")
    assert "2 executions" in page
    assert "storefront-orders-create" in page


def test_a_reason_says_the_numbers_of_its_run_not_those_of_the_last_time(
    client: Client, environment: Environment, cases: Any, point: IntegrationPoint
) -> None:
    found = cases(1)
    runs = [planned_run(environment, found) for _ in range(2)]
    for run, pieces in zip(runs, (3, 12), strict=True):
        [execution] = taken(run)
        failed = step(0, "failed", message=f"rows should be 1, but it is {pieces}")
        services.record([ended(execution, failed, message=f"Step 1 “Count”: {failed.message}")])

    page = text(client.get(f"/s/shop/runs/{runs[0].number}/").content)

    assert FailureGroup.objects.get().title == "rows should be 1, but it is 12"
    assert page.count("but it is 3") == 2 and "but it is 12" not in page


def test_a_reason_has_the_words_of_its_step_whatever_that_is_called_and_wherever_it_stands(
    environment: Environment, cases: Any, point: IntegrationPoint
) -> None:
    found = cases(2)
    runs = [planned_run(environment, found) for _ in range(2)]
    for run, pieces in zip(runs, (3, 12), strict=True):
        inside = step(0, "failed", path="2.1", name="Count", message=f"rows should be 1, but it is {pieces}")
        outside = step(0, "failed", name="Each", kind="repeat", point="", message=f"pass 2: {inside.message}")
        quoted = step(0, "failed", name="Say “a”: b", message=f"no mail within {pieces} s")
        for execution, steps in zip(taken(run), ([outside, inside], [quoted]), strict=True):
            told = f"Step 1 “{steps[0].name}”: {steps[0].message}"
            services.record([ended(execution, *steps, message=told)])

    assert sorted(reason.title for reason in groups.reasons(runs[0])[0]) == [
        "no mail within 3 s",
        "rows should be 1, but it is 3",
    ]


def novelty(client: Client, run: TestRun) -> str:
    html = client.get(f"/s/shop/runs/{run.number}/").content.decode()
    found = re.search(r"novelty-(\w+)", html)
    assert found
    return found[1]


def test_a_reason_is_new_then_seen_then_known_then_fixed_then_a_regression(
    client: Client, system: System, environment: Environment, cases: Any
) -> None:
    found = cases(1)
    first = finished_run(environment, found, ["broken"])
    assert novelty(client, first) == "new"

    second = finished_run(environment, found, ["broken"])
    assert novelty(client, second) == "seen"

    group = FailureGroup.objects.get()
    defect = Defect.objects.create(system=system, number=1, title="It breaks", failure_group=group)
    assert novelty(client, second) == "known"
    assert "D1 It breaks" in text(client.get(f"/s/shop/runs/{second.number}/").content)

    defect.state, defect.closed_at = Defect.State.VERIFIED, timezone.now()
    defect.save()
    assert novelty(client, second) == "fixed"
    assert novelty(client, finished_run(environment, found, ["broken"])) == "regression"


@pytest.mark.parametrize("part", ["", "executions", "progress"])
def test_a_run_costs_the_same_queries_at_10_and_at_200_executions(
    client: Client, environment: Environment, cases: Any, point: IntegrationPoint, part: str
) -> None:
    reasons = ["", "status is 500", "row_count is 0", "no answer within 5 s", "status is 404"]
    small = finished_run(environment, cases(10), reasons * 2)
    large = finished_run(environment, cases(200), reasons * 40)
    headers = {"HX-Target": part} if part else {}

    few = queries(client, f"/s/shop/runs/{small.number}/", **headers)

    assert queries(client, f"/s/shop/runs/{large.number}/", **headers) == few
    assert few < 25


def test_the_page_stays_small_at_ten_thousand_executions(client: Client, environment: Environment, cases: Any) -> None:
    chosen, now = cases(60), timezone.now()
    run = planned_run(environment, chosen[:1])
    Execution.objects.filter(run=run).delete()
    groups = FailureGroup.objects.bulk_create(
        FailureGroup(
            system=environment.system,
            signature=str(number),
            title=f"reason {number} {'why ' * 70}",
            kind="http",
            first_seen=now,
            last_seen=now,
        )
        for number in range(30)
    )
    CaseRecord.objects.bulk_create(
        CaseRecord(case=case, environment=environment, state="failed", strip="PFBS" * 5, last_at=now) for case in chosen
    )
    Execution.objects.bulk_create(
        Execution(
            run=run,
            position=number,
            case=chosen[number % 60],
            revision=chosen[number % 60].current,
            title=f"{'A long title ' * 20} {number}"[:300],
            state="failed",
            failure_group=groups[number % 30],
            message="broken " * 40,
            row={"sku": "x" * 200},
        )
        for number in range(10_000)
    )
    TestRun.objects.filter(pk=run.pk).update(total=10_000, failed=10_000, phase="finished", verdict="failed")

    answer = client.get(f"/s/shop/runs/{run.number}/")

    assert len(answer.content) < 150_000
    assert "Failed for 30 reasons" in text(answer.content)
    assert "20 rarer reasons are not shown" in text(answer.content)
    assert "1–50 of 10000" in text(answer.content)


def test_executions_are_filtered_by_state_title_and_reason(
    client: Client, environment: Environment, cases: Any
) -> None:
    run = finished_run(environment, cases(3), ["", "status is 500", "row_count is 0"])
    group = FailureGroup.objects.get(title="row_count is 0")
    path = f"/s/shop/runs/{run.number}/"

    def rows(query: str) -> list[str]:
        html = client.get(f"{path}?{query}", headers={"HX-Target": "executions"}).content.decode()
        return re.findall(r">(Case \d)</a>", html.split('id="reasons"')[0])

    assert rows("") == ["Case 1", "Case 2", "Case 3"]
    assert rows("state=passed") == ["Case 1"]
    assert rows("q=case+2") == ["Case 2"]
    assert rows(f"group={group.pk}") == ["Case 3"]
    assert rows("state=nonsense&group=x&page=99") == ["Case 1", "Case 2", "Case 3"]
    assert rows("q=nothing") == []


def test_a_run_is_compared_with_an_earlier_one(client: Client, environment: Environment, cases: Any) -> None:
    one, two, three, four = cases(4)
    before = finished_run(environment, [one, two, three], ["", "broken", "broken"])
    run = finished_run(environment, [one, two, three, four], ["broken", "broken", "", "broken"])

    html = client.get(f"/s/shop/runs/{run.number}/?compare={before.number}").content.decode()

    def changed(name: str) -> list[str]:
        part = re.search(rf'class="change change-{name}">(.*?)</section>', html, re.DOTALL)
        return re.findall(r">(Case \d)</a>", part[1]) if part else []

    assert changed("newly") == ["Case 1"]
    assert changed("still") == ["Case 2"]
    assert changed("fixed") == ["Case 3"]
    assert changed("added") == ["Case 4"]


def test_only_runs_of_the_same_environment_are_compared(
    client: Client, system: System, environment: Environment, cases: Any
) -> None:
    staging = Environment.objects.create(system=system, name="Staging", slug="staging")
    elsewhere = finished_run(staging, cases(1), ["broken"])
    run = finished_run(environment, cases(1), [""])

    for number in (elsewhere.number, 12345, "x"):
        assert b"Compared with" not in client.get(f"/s/shop/runs/{run.number}/?compare={number}").content


def test_a_new_reason_comes_before_a_frequent_known_one(
    client: Client, system: System, environment: Environment, cases: Any
) -> None:
    found = cases(3)
    finished_run(environment, found[:1], ["known trouble"])
    Defect.objects.create(system=system, number=1, title="Known", failure_group=FailureGroup.objects.get())

    run = finished_run(environment, found, ["known trouble", "known trouble", "new trouble"])

    page = text(client.get(f"/s/shop/runs/{run.number}/").content)
    assert page.index("new trouble") < page.index("known trouble")


def test_an_open_run_streams_and_can_be_cancelled_an_ended_one_does_not(
    client: Client, environment: Environment, cases: Any
) -> None:
    found = cases(2)
    run = planned_run(environment, found)
    path = f"/s/shop/runs/{run.number}/"
    page = client.get(path).content.decode()
    assert f'data-live="/live/s/shop/runs/{run.number}/?after=' in page
    assert f"{path}cancel/" in page

    services.record([ended(execution, step()) for execution in taken(run)])

    part = client.get(path, headers={"HX-Target": "progress"}).content.decode()
    assert "data-live=" not in part
    assert 'id="run-stream" hx-swap-oob="true"' in part
    assert "cancel/" not in part
    assert "The run has ended: Passed" in text(part)


def test_a_viewer_sees_the_run_but_no_verbs(
    sign_in: Callable[[User], Client], viewer: User, environment: Environment, cases: Any
) -> None:
    run = finished_run(environment, cases(1), ["broken"])

    page = sign_in(viewer).get(f"/s/shop/runs/{run.number}/").content

    assert b"rerun" not in page
    assert b"defects/new" not in page


def test_the_time_left_comes_from_the_rate_once_it_is_known() -> None:
    now = timezone.now()
    run = TestRun(phase="running", total=100, expected_ms=60_000, started_at=now - timedelta(seconds=30))
    assert progress.left_ms(run, now) == pytest.approx(30_000)

    run.passed = 50
    assert progress.left_ms(run, now) == pytest.approx(30_000)
    run.passed = 75
    assert progress.left_ms(run, now) == pytest.approx(10_000)
    run.passed, run.waiting = 99, 1
    assert progress.left_ms(run, now) is None
