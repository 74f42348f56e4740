"""Workers tell of themselves, listen to what they may execute, and what nobody takes is told."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import queues, registration, services, sweeping
from apps.execution.models import Share as ShareRow
from apps.execution.models import Worker
from apps.execution.shares import Share
from apps.runs import services as services_of_runs
from apps.runs.models import TestRun
from tests.execution.test_worker import wait_until
from tests.workers import Worker as WorkerProcess

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., TestCase]
COMMAND: dict[str, Any] = {"steps": [{"name": "Look", "kind": "command", "with": {"argv": ["true"]}}]}


def text(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def known(name: str = "somewhere:1", **fields: Any) -> Worker:
    now = timezone.now()
    values = {"queues": ["celery", "execution"], "started_at": now, "seen_at": now, "version": "1.0", "concurrency": 3}
    return Worker.objects.create(name=name, **(values | fields))


def start(environment: Environment, cases: list[TestCase], by: User) -> TestRun:
    return services.start_run(system=environment.system, environment=environment, cases=cases, started_by=by)


def test_a_worker_listens_to_what_it_may_execute_and_to_urgent_work_of_its_queues() -> None:
    assert set(queues.listened(["execution"], [])) == {"execution", "execution+urgent"}
    assert set(queues.listened(["env.a"], ["command", "browser"])) == {
        *("env.a", "env.a+browser", "env.a+command", "env.a+browser+command"),
        *("env.a+urgent", "env.a+browser+urgent", "env.a+command+urgent", "env.a+browser+command+urgent"),
    }


def test_variants_are_added_when_a_worker_is_set_up(settings: Any) -> None:
    settings.EXECUTION_ALLOW = ["command"]
    app = Celery("test", set_as_current=False)
    app.amqp.queues.select(["celery", "env.local"])

    registration.listen("name", type("Setup", (), {"app": app})())

    assert set(app.amqp.queues.consume_from) == {
        *("celery", "env.local", "env.local+urgent", "env.local+command", "env.local+command+urgent")
    }


@pytest.mark.django_db(transaction=True)
def test_a_worker_registers_itself_and_takes_its_row_away_when_it_ends(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "worker.log", INTEGHUB_ALLOW="command") as worker:
        wait_until(Worker.objects.exists)
        [row] = Worker.objects.all()
        assert row.name.endswith(f":{worker.process.pid}")
        assert {"execution", "execution+command", "env.local+urgent"} <= set(row.queues)
        assert (row.allowed, row.concurrency, row.is_alive) == (["command"], 1, True)

    wait_until(lambda: not Worker.objects.exists())


def test_commands_go_only_to_workers_that_may_execute_them(
    environment: Environment, make_case: MakeCase, tester: User, monkeypatch: Any, commits: Any
) -> None:
    messages: list[tuple[str, list[int]]] = []

    def note(name: str, args: Any, queue: str, **_: Any) -> None:
        messages.append((queue, args[1]))

    monkeypatch.setattr("apps.execution.dispatch.current_app.send_task", note)
    with commits():
        run = start(environment, [make_case("Plain"), make_case("Command", COMMAND)], tester)

    by_title = {e.title: e.pk for e in run.executions.all()}
    assert sorted(messages) == [
        ("execution+command+urgent", [by_title["Command"]]),
        ("execution+urgent", [by_title["Plain"]]),
    ]


def test_what_nobody_takes_is_told_with_the_command_that_starts_who_would(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, sign_in: Callable[[User], Client]
) -> None:
    run = start(environment, [make_case("Plain"), make_case("Command", COMMAND)], tester)
    client, url = sign_in(tester), f"/s/shop/runs/{run.number}/notices/"

    alone = text(client.get(url).content)
    assert "No worker listens to execution." in alone
    assert "worker --queues execution --allow command" in alone
    known()
    some = text(client.get(url).content)
    assert "No worker of execution may execute command steps, which 1 execution needs." in some
    known("other:1", queues=["execution", "execution+command"], allowed=["command"])
    assert text(client.get(url).content) == ""
    Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert "No worker listens" in text(client.get(url).content)


def test_what_waits_for_room_is_told(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, api: Any
) -> None:
    run = start(environment, [make_case("A"), make_case("B")], tester)
    known()
    assert api(tester).get(f"/api/v1/runs/{run.pk}/").json()["notices"] == []

    run.executions.filter(position=1).update(parked_at=timezone.now())

    [told] = api(tester).get(f"/api/v1/runs/{run.pk}/").json()["notices"]
    assert told["text"].startswith("1 execution waits for room: Local executes 50 at the same time")
    assert (told["command"], told["executions"]) == ("", 1)


def test_the_page_lists_queues_with_their_workers_and_the_load(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, sign_in: Callable[[User], Client]
) -> None:
    Environment.objects.create(system=environment.system, name="Staging", slug="staging", queue="env.staging")
    run = start(environment, [make_case(f"Case {n}") for n in range(4)], tester)
    known("alive:1")
    known("silent:1", seen_at=timezone.now() - timedelta(minutes=3))
    known("foreign:1", queues=["env.foreign"])
    run.executions.filter(position__lte=2).update(state="running", worker="alive:1", lease_until=timezone.now())

    page = text(sign_in(tester).get("/s/shop/workers/").content)

    assert "alive:1 alive execution nothing restricted 2 3 1.0" in page
    assert "silent:1 lost" in page
    assert "foreign" not in page
    assert "env.staging Staging nobody listens 0" in page
    assert "worker --queues env.staging" in page


def test_the_page_costs_the_same_with_many_workers(
    environment: Environment, tester: User, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(tester)

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/s/shop/workers/")
        return len(queries), len(page.content)

    def grow(first: int, last: int) -> None:
        for number in range(first, last):
            known(f"b:{number:03}", queues=["celery", "execution", f"env.e{number:03}"])
            named = {"name": f"E{number:03}", "slug": f"e{number:03}", "queue": f"env.e{number:03}"}
            Environment.objects.create(system=environment.system, **named)
            Environment.objects.create(system=environment.system, name=f"S{number:03}", slug=f"s{number:03}")

    known("a:1")
    cost()
    one = cost()
    grow(0, 100)
    few = cost()
    grow(100, 200)

    assert cost()[0] == few[0] == one[0]
    assert cost()[1] == pytest.approx(few[1], rel=0.02)


def test_queues_with_work_and_lost_workers_come_first_on_pages_that_are_turned(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, sign_in: Callable[[User], Client]
) -> None:
    for number in range(60):
        named = {"name": f"E{number:02}", "slug": f"e{number:02}", "queue": f"env.e{number:02}"}
        last = Environment.objects.create(system=environment.system, **named)
        known(f"w:{number:02}", queues=["env.e00"])
    known("z:lost", queues=["env.e59"], seen_at=timezone.now() - timedelta(minutes=3))
    start(last, [make_case("Case")], tester)
    client = sign_in(tester)

    first = client.get("/s/shop/workers/").context
    second = client.get("/s/shop/workers/?page=2&queues=2").context

    assert [row.name for row in first["queues"]][:3] == ["env.e59", "execution", "env.e00"]
    assert (first["queues"][0].waiting, first["queues"][0].workers, first["queues"][2].workers) == (1, 0, 60)
    assert [row.worker.name for row in first["rows"]][:2] == ["z:lost", "w:00"]
    assert (second["queues"][0].name, len(second["queues"])) == ("env.e48", 11)
    assert (second["rows"][0].worker.name, len(second["rows"])) == ("w:49", 11)


def test_programs_list_workers_of_what_they_may_see(
    api: Any, environment: Environment, tester: User, outsider: User
) -> None:
    known("shared:1", queues=["celery", "execution", "env.foreign", "execution+urgent"])
    known("foreign:1", queues=["env.foreign"])

    [found] = api(tester).get("/api/v1/workers/").json()["results"]

    assert (found["name"], found["queues"], found["alive"], found["running"]) == ("shared:1", ["execution"], True, 0)
    assert api(outsider).get("/api/v1/workers/").json()["results"] == []


def test_executions_of_a_worker_that_fell_silent_do_not_wait_for_their_lease(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    run = start(environment, [make_case("A"), make_case("B")], tester)
    now = timezone.now()
    known("alive:1")
    known("silent:1", seen_at=now - timedelta(seconds=60))
    far = now + timedelta(minutes=5)
    lost, kept = run.executions.all()
    run.executions.filter(pk=lost.pk).update(state="running", attempt=1, worker="silent:1", lease_until=far)
    run.executions.filter(pk=kept.pk).update(state="running", attempt=1, worker="alive:1", lease_until=far)

    assert sweeping.sweep_once() == 0, "all may have been silent for a while: first it is only noted"
    Worker.objects.filter(lost_at__isnull=False).update(lost_at=now - timedelta(seconds=30))

    assert sweeping.sweep_once() == 1
    assert set(run.executions.values_list("pk", "state")) == {(lost.pk, "queued"), (kept.pk, "running")}


@pytest.mark.parametrize(
    "options", [{"queues": "other"}, {"queues": "env.a+command"}, {"queues": ""}, {"allow": "http"}]
)
def test_the_command_refuses_what_it_cannot_serve(options: dict[str, str]) -> None:
    with pytest.raises(CommandError):
        call_command("worker", **options)


def test_a_sweeper_whose_clock_is_wrong_takes_nothing_from_anybody(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(environment, [make_case("A")], tester)
    known("alive:1")
    share = Share.of(environment.pk)
    assert share.take(1) == 1
    TestRun.objects.filter(pk=run.pk).update(time_limit=60)
    [execution] = services_of_runs.claim([run.executions.get().pk], "alive:1", timedelta(seconds=45))
    true = timezone.now()

    for jump in (timedelta(days=2), timedelta(days=-2)):
        monkeypatch.setattr(timezone, "now", lambda jump=jump: true + jump)
        assert sweeping.sweep_once() == 0

    assert Worker.objects.filter(name="alive:1", lost_at=None).exists()
    assert ShareRow.objects.filter(holder=share.holder).exists()
    run.refresh_from_db()
    assert (run.phase, run.cancel_requested_at) == ("running", None)
    assert run.started_at is not None
    assert abs(run.started_at - true) < timedelta(hours=1)
    assert run.executions.get().state == "running"
    assert execution.attempt == 1
