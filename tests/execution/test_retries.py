"""A failed execution is tried again as it was planned, and nothing of it is hidden."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.catalog.models import TestCase, TestPlan
from apps.environments.models import Environment, Variable
from apps.execution import services
from apps.runs import services as runs
from apps.runs.models import Attempt, CaseRecord, DayCount, Execution, FailureGroup, PointRecord, StepResult, TestRun
from apps.systems.models import IntegrationPoint
from tests.execution.test_worker import asking, ended, wait_until
from tests.runs.conftest import result
from tests.workers import Worker

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., TestCase]


def start(environment: Environment, case: TestCase, by: User, **more: Any) -> Execution:
    run = services.start_run(
        system=environment.system, environment=environment, cases=[case], started_by=by, **{"retries": 2} | more
    )
    return run.executions.get()


def take(execution: Execution) -> Execution:
    runs.claim([execution.pk], "w", timedelta(seconds=60))
    return Execution.objects.get(pk=execution.pk)


def test_a_failure_with_attempts_left_is_queued_and_sent_again(
    environment: Environment, make_case: MakeCase, tester: User, point: IntegrationPoint, sent: Any, commits: Any
) -> None:
    execution = start(environment, make_case(), tester)
    sent.clear()
    with commits():
        runs.record([result(take(execution), "failed")])

    execution.refresh_from_db()
    run = execution.run
    assert (execution.state, execution.attempt, execution.failures, run.done, run.failed) == ("queued", 1, 1, 0, 0)
    assert sent == [("execution+urgent", [execution.pk])]
    assert list(Attempt.objects.values_list("number", "state")) == [(1, "failed")]
    assert StepResult.objects.filter(execution=execution, attempt=1, state="failed").exists()
    none = (FailureGroup, CaseRecord, PointRecord, DayCount)
    assert [model.__name__ for model in none if model.objects.exists()] == [], "only the last attempt counts"


def test_one_that_passes_at_last_is_flaky_and_counts_once(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, sign_in: Callable[[User], Client], api: Any
) -> None:
    execution = start(environment, make_case(), tester)
    runs.record([result(take(execution), "failed")])
    runs.record([result(take(execution))])

    execution.refresh_from_db()
    run = TestRun.objects.get()
    assert (execution.state, execution.attempt, execution.is_flaky) == ("passed", 2, True)
    assert (run.passed, run.done, run.total, run.verdict) == (1, 1, 1, "passed")
    told = api(tester).get(f"/api/v1/executions/{execution.pk}/").json()
    assert (told["flaky"], told["retries"], [one["state"] for one in told["attempts"]]) == (
        True,
        2,
        ["failed", "passed"],
    )
    client = sign_in(tester)
    for page in (f"/s/shop/runs/{run.number}/", f"/s/shop/executions/{execution.pk}/"):
        assert "passed on attempt 2" in re.sub(r"\s+", " ", client.get(page).content.decode()), page
    earlier = client.get(f"/s/shop/executions/{execution.pk}/?attempt=1").content.decode()
    assert "status is 500, expected 201" in earlier


def test_the_last_failure_is_final(environment: Environment, make_case: MakeCase, tester: User, sent: Any) -> None:
    execution = start(environment, make_case(), tester)
    for _ in range(3):
        runs.record([result(take(execution), "failed")])

    execution.refresh_from_db()
    assert (execution.state, execution.attempt, execution.failures, execution.run.failed) == ("failed", 3, 2, 1)
    assert execution.failure_group is not None
    assert [one.state for one in execution.every_attempt()] == ["failed"] * 3


def test_what_a_case_says_goes_before_the_plan(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    plan = TestPlan.objects.create(system=environment.system, name="P", slug="p", everything=True, retries=1)
    silent, never = make_case("Silent"), make_case("Never", asking("/x") | {"retries": 0})
    run = services.start_run(
        system=environment.system, environment=environment, cases=[silent, never], plan=plan, started_by=tester
    )

    assert dict(run.executions.values_list("title", "retries")) == {"Silent": 1, "Never": 0}
    again = services.rerun(run, by=tester)
    assert dict(again.executions.values_list("title", "retries")) == {"Silent": 1, "Never": 0}


def test_blocked_cancelled_and_judged_by_a_person_is_not_tried_again(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    case = make_case()
    blocked, judged, stopped = (start(environment, case, tester) for _ in range(3))
    runs.record([result(take(blocked), "blocked")])
    Execution.objects.filter(pk=judged.pk).update(carried="failed")
    runs.record([result(take(judged), "failed")])
    held = take(stopped)
    services.cancel_run(stopped.run, by=tester)
    runs.record([result(held, "failed")])

    assert list(Execution.objects.order_by("pk").values_list("state", flat=True)) == ["blocked", "failed", "failed"]


class Shaky(BaseHTTPRequestHandler):
    """Fails the first two requests."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(503 if self.asked <= 2 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.mark.django_db(transaction=True)
def test_a_worker_tries_until_it_passes(
    environment: Environment, make_case: MakeCase, tester: User, tmp_path: Path
) -> None:
    Shaky.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shaky)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Variable.objects.create(environment=environment, name="TARGET", value=f"http://127.0.0.1:{server.server_port}")
    try:
        with Worker(tmp_path / "worker.log"):
            execution = start(environment, make_case("Shaky", asking("/")), tester)
            wait_until(ended(execution.run))
    finally:
        server.shutdown()
        server.server_close()

    execution.refresh_from_db()
    assert (execution.state, execution.attempt, execution.failures, Shaky.asked) == ("passed", 3, 2, 3)
    attempts = execution.every_attempt()
    assert [one.state for one in attempts] == ["failed", "failed", "passed"]
    starts = [one.started_at for one in attempts]
    assert starts == sorted(set(starts)), "each attempt has its own start"
    assert execution.steps.count() == 3
