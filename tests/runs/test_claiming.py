import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.runs import claiming, parking, recording, services
from apps.runs.models import CaseRecord, DayCount, Execution, TestRun
from tests.runs.conftest import result
from tests.runs.story import cancel

pytestmark = pytest.mark.django_db
Take = Callable[[TestRun], list[Execution]]
MakeRun = Callable[..., TestRun]


def expire(run: TestRun) -> None:
    run.executions.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))


def test_an_execution_is_given_to_one_worker_only(make_run: MakeRun) -> None:
    ids = list(make_run(2).executions.values_list("pk", flat=True))

    assert [one.id for one in services.claim(ids, "a", timedelta(seconds=5))] == ids
    assert services.claim(ids, "b", timedelta(seconds=5)) == []


OVER_RUNS_OR_STATES = {
    *("runs_execut_run_id_308af5_idx", "execution_position_once", "execution_leases", "execution_holding"),
    *("execution_parked", "execution_tried_again", "execution_waiting"),
}


def test_ids_are_looked_up_whatever_the_statistics_say(make_run: MakeRun) -> None:
    """Right after a large run began they say that nothing is queued: going through all of that would look cheaper."""
    ids = list(make_run(70).executions.values_list("pk", flat=True))
    hold = (recording._HOLD, [ids, [0] * len(ids)])
    claim = (claiming._CLAIM, ["w", timedelta(0), ids, False])
    for sql, values in (claim, hold, (parking.PARK, [ids]), (parking.STILL, [ids]), (parking.FREE, [ids])):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {sql}", values)
            plan = "\n".join(row[0] for row in cursor.fetchall())

        found = set(re.findall(r"using (\w+) on runs_execution e\b", plan))
        assert not found & OVER_RUNS_OR_STATES, plan


def test_the_first_claim_starts_the_run(make_run: MakeRun, take: Take) -> None:
    run = make_run(1)
    take(run)

    run.refresh_from_db()
    assert run.phase == "running"
    assert run.started_at is not None


def test_an_expired_lease_comes_back_as_a_new_attempt(make_run: MakeRun, take: Take) -> None:
    run = make_run(1)
    [lost] = take(run)
    expire(run)

    assert services.give_back_expired() == [lost.pk]
    [again] = take(run)

    assert (again.attempt, again.claim) == (2, 2)
    assert services.record([result(lost)]) == 0
    assert services.record([result(again)]) == 1
    again.refresh_from_db()
    assert [attempt.state for attempt in again.every_attempt()] == ["blocked", "passed"]


def test_a_living_lease_is_left_alone(make_run: MakeRun, take: Take) -> None:
    run = make_run(1)
    take(run)

    assert services.give_back_expired() == []


def test_three_lost_workers_block_the_execution_and_end_the_run(make_run: MakeRun, take: Take) -> None:
    run = make_run(1)
    for _ in range(3):
        take(run)
        expire(run)
        services.give_back_expired()

    run.refresh_from_db()
    assert (run.phase, run.verdict, run.blocked) == ("finished", "blocked", 1)
    execution = run.executions.get()
    assert "3 times" in execution.message
    # It counts as every other result, and more of the kind are one reason.
    assert DayCount.objects.get(environment=run.environment).blocked == 1
    record = CaseRecord.objects.get(case=execution.case)
    assert (record.state, record.strip, record.duration_ms) == ("blocked", "B", None)
    assert execution.failure_group is not None
    assert execution.failure_group.title == "Its worker was lost 3 times."
    assert [attempt.state for attempt in execution.every_attempt()] == ["blocked"] * 3


def test_how_long_a_case_takes_is_remembered_when_its_worker_is_lost(make_run: MakeRun, take: Take) -> None:
    run = make_run(1)
    services.record([result(one) for one in take(run)])
    before = CaseRecord.objects.get().duration_ms
    again = make_run(1, cases=[run.executions.get().case])
    for _ in range(3):
        take(again)
        expire(again)
        services.give_back_expired()

    record = CaseRecord.objects.get()
    assert (record.state, record.strip, record.duration_ms) == ("blocked", "PB", before)


def test_cancelling_ends_what_waits_and_leaves_what_runs(make_run: MakeRun, take: Take) -> None:
    run = make_run(3)
    held = services.claim([run.executions.first().pk], "w", timedelta(seconds=60))  # type: ignore[union-attr]

    assert cancel(run) == 2

    run.refresh_from_db()
    assert (run.cancelled, run.is_open) == (2, True)
    execution = Execution.objects.get(pk=held[0].id)
    services.record([result(execution, "cancelled")])
    run.refresh_from_db()
    assert (run.phase, run.verdict, run.cancelled) == ("cancelled", "cancelled", 3)


def test_a_lost_worker_of_a_cancelled_run_ends_as_cancelled(make_run: MakeRun, take: Take) -> None:
    run = make_run(1)
    take(run)
    cancel(run)
    expire(run)

    assert services.give_back_expired() == []
    run.refresh_from_db()
    assert (run.phase, run.cancelled) == ("cancelled", 1)


def test_a_worker_that_is_found_lost_while_the_run_is_cancelled_ends_as_cancelled(
    make_run: MakeRun, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sees what the other changes before its commit: who comes second must look again."""
    run, keep = make_run(1), claiming._keep_lost_attempts
    take(run)
    expire(run)

    def cancel_meanwhile(expired: Any) -> None:
        cancel(run)
        keep(expired)

    monkeypatch.setattr(claiming, "_keep_lost_attempts", cancel_meanwhile)

    assert services.give_back_expired() == []
    run.refresh_from_db()
    assert (run.phase, run.cancelled) == ("cancelled", 1)


@pytest.mark.parametrize("state", ["failed", "waiting"])
def test_what_comes_back_while_the_run_is_cancelled_is_cancelled(
    make_run: MakeRun, take: Take, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """A failure with an attempt left, or a step for a person, that is stored when what waited was cancelled already."""
    run, finish = make_run(2), recording._finish
    run.executions.update(retries=1)
    first, second = take(run)

    def cancel_meanwhile(*stored: Any) -> None:
        cancel(run)
        finish(*stored)

    monkeypatch.setattr(recording, "_finish", cancel_meanwhile)
    services.record([result(first, state)])
    run.refresh_from_db()
    assert (run.phase, run.cancelled, run.waiting) == ("running", 1, 0)

    services.record([result(second, "waiting")])
    run.refresh_from_db()
    assert (run.phase, run.cancelled, run.waiting) == ("cancelled", 2, 0)


def test_the_commit_of_a_claim_waits_for_the_disk_only_where_a_name_is_taken(make_run: MakeRun) -> None:
    """A claim that a crash undoes is repeated; a name that it undoes would be taken by another while it is in use."""
    run = make_run(2)
    named = run.executions.latest("position")
    Execution.objects.filter(pk=named.pk).update(exclusive=["till"])

    with CaptureQueriesContext(connection) as said:
        assert len(services.claim(list(run.executions.values_list("pk", flat=True)), "w", timedelta(seconds=9))) == 2

    claims = [query["sql"] for query in said if "RETURNING mine.id" in query["sql"]]
    assert ["synchronous_commit TO off" in sql for sql in claims] == [True, False]


def test_a_lease_is_renewed_by_its_holder_only(make_run: MakeRun) -> None:
    run = make_run(2)
    first, second = services.claim(list(run.executions.values_list("pk", flat=True)), "w", timedelta(seconds=60))
    expire(run)

    services.renew({first.id: first.claim, second.id: second.claim - 1}, timedelta(seconds=60))

    assert services.give_back_expired() == [second.id]
