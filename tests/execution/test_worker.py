"""Runs on a real Celery worker, from start to verdict; the worker is killed in the middle of one."""

import asyncio
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment, Variable
from apps.environments.services import set_secret
from apps.execution import chunk, services, sweeping
from apps.execution.recorder import recorder
from apps.execution.worker import in_database
from apps.runs import services as runs
from apps.runs.models import Execution, StepResult, TestRun
from tests.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)


class Target(http.server.BaseHTTPRequestHandler):
    """Answers after the seconds named in the path: ``/0.5``."""

    def do_GET(self) -> None:
        time.sleep(float(self.path.strip("/") or 0))
        body = f'{{"token": "{self.headers.get("Authorization", "")}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def executed(run_id: int, ids: list[int]) -> None:
    """Execute a chunk in this process, until its results are stored."""

    async def execute() -> None:
        try:
            await chunk.execute(run_id, ids)
        finally:
            await in_database(connections.close_all)

    asyncio.run(execute())
    recorder().after(connections.close_all).result(30)


@pytest.fixture
def target() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def asking(path: str, **step: Any) -> dict[str, Any]:
    check = {"check": "status", "equals": 200}
    return {
        "steps": [{"name": "Ask", "kind": "http", "with": {"url": "{{ TARGET }}" + path}, "expect": [check], **step}]
    }


def start(environment: Environment, cases: list[TestCase], by: User) -> TestRun:
    return services.start_run(system=environment.system, environment=environment, cases=cases, started_by=by)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.05)


def ended(run: TestRun) -> Callable[[], bool]:
    return lambda: not TestRun.objects.get(pk=run.pk).is_open


def test_a_run_is_executed_and_its_verdict_stored(
    environment: Environment, make_case: Callable[..., TestCase], tester: User, target: str, tmp_path: Path
) -> None:
    Variable.objects.create(environment=environment, name="TARGET", value=target)
    set_secret(environment, "TOKEN", "s3cr3t-value", by=tester)
    leaking = asking("/0")
    leaking["steps"][0]["with"]["headers"] = {"Authorization": "{{ TOKEN }}"}
    wrong = asking("/0")
    wrong["steps"][0]["expect"] = [{"check": "status", "equals": 418}]
    unknown = asking("/{{ NOWHERE }}")
    cases = [make_case("Good", leaking), make_case("Wrong", wrong), make_case("Unknown", unknown)]

    with Worker(tmp_path / "worker.log"):
        run = start(environment, cases, tester)
        wait_until(ended(run))

    states = dict(run.executions.values_list("case__title", "state"))
    assert states == {"Good": "passed", "Wrong": "failed", "Unknown": "blocked"}
    step = StepResult.objects.get(execution__case=cases[0])
    assert step.request
    assert "s3cr3t-value" not in f"{step.request}{step.response}{step.checks}{step.captured}{step.message}"
    assert "NOWHERE" in run.executions.get(case=cases[2]).message
    assert "worker.cold" not in (tmp_path / "worker.log").read_text()


def test_a_killed_worker_loses_nothing_and_counts_nothing_twice(
    environment: Environment, make_case: Callable[..., TestCase], tester: User, target: str, tmp_path: Path
) -> None:
    Variable.objects.create(environment=environment, name="TARGET", value=target)
    cases = [make_case(f"Slow {n}", asking("/1.5")) for n in range(4)]
    with Worker(tmp_path / "first.log") as first:
        run = start(environment, cases, tester)
        wait_until(lambda: run.executions.filter(state="running").count() == 4)
        first.kill()
    Execution.objects.filter(run=run).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert sweeping.sweep_once() == 4
    with Worker(tmp_path / "second.log"):
        wait_until(ended(run))

    run.refresh_from_db()
    assert (run.passed, run.done, run.total, run.verdict) == (4, 4, 4, "passed")
    for execution in run.executions.all():
        assert execution.attempt == 2
        assert [attempt.state for attempt in execution.every_attempt()] == ["blocked", "passed"]
        assert execution.steps.count() == 1


def test_cancelling_stops_what_runs(
    environment: Environment, make_case: Callable[..., TestCase], tester: User, target: str, tmp_path: Path
) -> None:
    Variable.objects.create(environment=environment, name="TARGET", value=target)
    cases = [make_case(f"Endless {n}", asking("/20", timeout=25)) for n in range(6)]
    with Worker(tmp_path / "worker.log"):
        run = start(environment, cases, tester)
        wait_until(lambda: run.executions.filter(state="running").exists())
        services.cancel_run(run, by=tester)
        wait_until(ended(run), seconds=10)

    run.refresh_from_db()
    assert (run.phase, run.cancelled) == ("cancelled", 6)


def test_a_run_ends_at_its_time_limit_though_every_child_is_busy(
    environment: Environment, make_case: Callable[..., TestCase], tester: User, target: str, tmp_path: Path
) -> None:
    Variable.objects.create(environment=environment, name="TARGET", value=target)
    case = make_case("Endless", asking("/60", timeout=90))
    with Worker(tmp_path / "worker.log"):
        run = start(environment, [case], tester)
        TestRun.objects.filter(pk=run.pk).update(time_limit=2)
        wait_until(ended(run), seconds=30)

    run.refresh_from_db()
    assert (run.phase, run.cancel_reason) == ("cancelled", "It reached its time limit.")


def test_a_worker_that_ends_properly_stores_what_its_children_executed(
    environment: Environment, make_case: Callable[..., TestCase], tester: User, tmp_path: Path
) -> None:
    """The chunk has ended, its results have not been stored: they are stored beside the next chunk."""

    def storing() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COPY%%'")
            return cursor.fetchone() is not None

    keep = {"steps": [{"name": "Keep", "kind": "set", "with": {"values": {"n": 1}}}]}
    log = tmp_path / "worker.log"
    parameters = connection.get_connection_params()
    with Worker(log) as worker, closing(psycopg2.connect(**parameters)) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE runs_stepresult IN EXCLUSIVE MODE")
        run = start(environment, [make_case("Kept", keep)], tester)
        wait_until(storing)
        wait_until(lambda: "succeeded" in log.read_text())
        worker.process.terminate()
        time.sleep(6)
        assert worker.process.poll() is None, "it waits for what its child stores"
        other.rollback()
        assert worker.process.wait(20) == 0

    run.refresh_from_db()
    assert (run.phase, run.passed) == ("finished", 1)


def test_work_begins_when_the_database_is_there_again(
    environment: Environment,
    make_case: Callable[..., TestCase],
    tester: User,
    sent: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    definition = {"steps": [{"name": "Keep", "kind": "set", "with": {"values": {"n": 1}}}]}
    run = start(environment, [make_case("Kept", definition)], tester)
    left, claim = [2], runs.claim

    def away(*arguments: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("the database system is starting up")
        return claim(*arguments)

    monkeypatch.setattr(chunk.runs, "claim", away)
    executed(run.pk, list(run.executions.values_list("pk", flat=True)))

    run.refresh_from_db()
    assert (run.phase, run.passed) == ("finished", 1)


def test_a_run_whose_messages_were_lost_is_sent_again(
    environment: Environment,
    make_case: Callable[..., TestCase],
    tester: User,
    target: str,
    tmp_path: Path,
    sent: list[Any],
) -> None:
    run = start(environment, [make_case("Lost", asking("/0"))], tester)
    TestRun.objects.update(
        created_at=timezone.now() - timedelta(minutes=5), dispatched_at=timezone.now() - timedelta(minutes=5)
    )
    sent.clear()

    sweeping.sweep_once()

    assert [ids for _, ids in sent] == [[run.executions.get().pk]]
