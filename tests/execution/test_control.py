"""Pause, resume, cancel and time limits: PostgreSQL is the truth, also while Redis was emptied."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.accounts.models import AuditEntry, User
from apps.catalog.models import TestCase, TestPlan
from apps.core.errors import Conflict
from apps.environments.models import Environment, Variable
from apps.execution import services, sweeping, watch
from apps.runs import services as runs
from apps.runs.models import Execution, TestRun
from tests.execution.test_leaving import somebody_waits
from tests.execution.test_worker import asking, ended, start, target, wait_until
from tests.workers import Worker

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., TestCase]
__all__ = ["target"]  # a fixture


def states(run: TestRun) -> dict[str, int]:
    counts: dict[str, int] = {}
    for state in run.executions.values_list("state", flat=True):
        counts[state] = counts.get(state, 0) + 1
    return counts


def claim(run: TestRun) -> list[int]:
    ids = list(run.executions.values_list("pk", flat=True))
    return [one.id for one in runs.claim(ids, "w", timedelta(seconds=60))]


def test_nothing_is_handed_out_of_a_paused_run_until_it_is_resumed(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, commits: Any
) -> None:
    run = start(environment, [make_case("A"), make_case("B")], tester)
    services.pause_run(run, by=tester)
    services.pause_run(run, by=tester)

    assert claim(run) == []
    assert runs.park(list(run.executions.values_list("pk", flat=True))) == 0
    with commits():
        run = services.resume_run(run, by=tester)

    assert (run.paused_at, run.paused_ms) == (None, 0), "before its start no time was lost"
    assert sent == [("execution+urgent", list(run.executions.values_list("pk", flat=True)))]
    assert len(claim(run)) == 2
    noted = AuditEntry.objects.filter(action__startswith="run.").order_by("pk").values_list("action", flat=True)
    assert list(noted) == ["run.paused", "run.resumed"]


def test_a_paused_run_can_be_cancelled_and_an_ended_one_not_paused(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    run = start(environment, [make_case("A")], tester)
    services.pause_run(run, by=tester)

    assert services.cancel_run(run, by=tester).phase == "cancelled"
    for verb in (services.pause_run, services.resume_run, services.cancel_run):
        with pytest.raises(Conflict):
            verb(run, by=tester)


def test_a_run_that_is_being_cancelled_is_not_paused(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    run = start(environment, [make_case("A"), make_case("B")], tester)
    runs.claim([run.executions.earliest("position").pk], "w", timedelta(seconds=60))
    services.cancel_run(run, by=tester)

    with pytest.raises(Conflict, match="being cancelled"):
        services.pause_run(run, by=tester)


@pytest.mark.django_db(transaction=True)
def test_who_cancels_holds_no_run_while_waiting_for_an_execution(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    """Who stores a verdict or a result holds executions and then wants their run."""
    run = start(environment, [make_case("A"), make_case("B")], tester)

    def cancel() -> None:
        with closing(connection):
            services.cancel_run(run, by=tester)

    with closing(psycopg2.connect(**connection.get_connection_params())) as judging, judging.cursor() as cursor:
        cursor.execute("SELECT id FROM runs_execution WHERE run_id = %s FOR UPDATE", [run.pk])
        with ThreadPoolExecutor(1) as pool:
            cancelling = pool.submit(cancel)
            wait_until(somebody_waits)
            cursor.execute("SELECT cancel_requested_at FROM runs_testrun WHERE id = %s FOR UPDATE NOWAIT", [run.pk])
            assert cursor.fetchone()[0] is not None, "workers hear of it at once"
            judging.rollback()
            cancelling.result(30)

    run.refresh_from_db()
    assert (run.phase, run.cancelled) == ("cancelled", 2)


def test_a_run_ends_at_its_time_limit_pauses_not_counted(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    plan = TestPlan.objects.create(system=environment.system, name="P", slug="p", everything=True, time_limit=60)
    case = make_case("A")
    late, paused, waited = (
        services.start_run(
            system=environment.system, environment=environment, cases=[case], plan=plan, started_by=tester
        )
        for _ in range(3)
    )
    began = timezone.now() - timedelta(seconds=100)
    TestRun.objects.update(phase="running", started_at=began)
    TestRun.objects.filter(pk=paused.pk).update(paused_at=timezone.now())
    TestRun.objects.filter(pk=waited.pk).update(paused_ms=70_000)

    sweeping.end_overdue()

    late.refresh_from_db()
    assert (late.time_limit, late.phase, late.cancel_reason) == (60, "cancelled", "It reached its time limit.")
    assert set(TestRun.objects.exclude(pk=late.pk).values_list("phase", flat=True)) == {"running"}


def test_a_run_that_could_not_be_sent_is_sent_by_the_sweeper(
    environment: Environment, make_case: MakeCase, tester: User, monkeypatch: pytest.MonkeyPatch, commits: Any
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("Redis is away")

    monkeypatch.setattr("apps.execution.dispatch.current_app.send_task", away)
    with commits():
        run = start(environment, [make_case("A")], tester)
    long_ago = timezone.now() - timedelta(minutes=2)
    TestRun.objects.update(created_at=long_ago, dispatched_at=long_ago)

    assert [one.pk for one in sweeping.stranded()] == [run.pk]
    services.pause_run(run, by=tester)
    assert sweeping.stranded() == []


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_pages_and_api_have_the_verbs(
    environment: Environment,
    make_case: MakeCase,
    tester: User,
    viewer: User,
    sent: Any,
    sign_in: Callable[[User], Client],
    api: Any,
    verb: str,
) -> None:
    run = start(environment, [make_case("A")], tester)
    path, again = f"/s/shop/runs/{run.number}/{verb}/", f"/api/v1/runs/{run.pk}/{verb}/"

    assert sign_in(viewer).post(path).status_code == 403
    assert api(viewer).post(again).status_code == 403
    assert sign_in(tester).get(path).status_code == 405
    assert sign_in(tester).post(path)["Location"] == f"/s/shop/runs/{run.number}/"
    assert api(tester).post(again).status_code == (409 if verb == "cancel" else 200)


def test_a_paused_run_shows_that_it_is(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, sign_in: Callable[[User], Client], api: Any
) -> None:
    run = start(environment, [make_case("A")], tester)
    client, page = sign_in(tester), f"/s/shop/runs/{run.number}/"
    assert f"{page}pause/" in client.get(page).content.decode()

    services.pause_run(run, by=tester)

    html = client.get(page).content.decode()
    assert f"{page}resume/" in html
    assert f"{page}pause/" not in html
    assert "Paused" in client.get("/s/shop/runs/").content.decode()
    assert api(tester).get(f"/api/v1/runs/{run.pk}/").json()["paused_at"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_holds_and_stops_at_once_also_when_redis_was_emptied(
    environment: Environment,
    make_case: MakeCase,
    tester: User,
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Variable.objects.create(environment=environment, name="TARGET", value=target)
    Environment.objects.update(max_parallel=2)
    cases = [make_case(f"Short {n}", asking("/0.3")) for n in range(40)]
    endless = [make_case(f"Endless {n}", asking("/20", timeout=25)) for n in range(6)]
    with Worker(tmp_path / "worker.log"):
        run = start(environment, cases, tester)
        wait_until(lambda: run.executions.filter(state="passed").count() >= 2)
        services.pause_run(run, by=tester)
        wait_until(lambda: not run.executions.filter(state="running").exists())
        done = states(run)
        time.sleep(1.5)
        assert states(run) == done
        assert 2 <= done["passed"] < 40

        redis.Redis.from_url(settings.REDIS_URL).flushdb()
        services.resume_run(TestRun.objects.get(pk=run.pk), by=tester)
        wait_until(ended(run), 60)

        monkeypatch.setattr(watch, "announce", lambda run_id: None)  # Redis says nothing
        run = start(environment, endless, tester)
        wait_until(lambda: run.executions.filter(state="running").exists())
        services.cancel_run(run, by=tester)
        assert states(run).get("cancelled", 0) >= 4, "what waited is cancelled at once"
        wait_until(ended(run), 15)

    assert set(Execution.objects.filter(run=run).values_list("state", flat=True)) == {"cancelled"}
