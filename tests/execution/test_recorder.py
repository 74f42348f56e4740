"""Results are stored in batches that grow with the load, and wait for a database that is away."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from queue import SimpleQueue

import psycopg2
import pytest
from django.db import OperationalError, connection, connections
from structlog.testing import capture_logs

from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import recorder as recording
from apps.execution import services, worker
from apps.execution.recorder import Recorder
from apps.runs import services as runs
from apps.runs.models import Execution, TestRun
from apps.runs.results import Result
from tests.runs.conftest import result

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def taken(environment: Environment, make_case: Callable[..., TestCase], sent: list[object]) -> list[Execution]:
    """Twelve executions of one run, handed out."""
    cases = [make_case(title=f"Case {n}") for n in range(12)]
    run = services.start_run(system=environment.system, environment=environment, cases=cases, started_by=None)
    runs.claim(list(run.executions.values_list("pk", flat=True)), "w", timedelta(seconds=60))
    return list(run.executions.order_by("position"))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """One of its own, whose connection is closed in the end."""
    made = Recorder()
    yield made
    made.after(connections.close_all).result(30)


def store(recorder: Recorder, results: Sequence[Result]) -> None:
    recorder.add(results[0])
    time.sleep(0.02)
    for one in results[1:]:
        recorder.add(one)
    recorder.after(lambda: None).result(30)


def test_the_first_result_is_stored_at_once_and_the_others_together(
    taken: list[Execution], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []

    def record(results: Sequence[Result]) -> int:
        batches.append(len(results))
        return len(results)

    monkeypatch.setattr(recording.runs, "record", record)
    store(recorder, [result(one) for one in taken])

    assert batches == [1, 11]


@pytest.mark.parametrize(("batch", "expected"), [(5, [1, 5, 5, 1]), (250, [1, 11])])
def test_neither_a_full_batch_nor_the_last_one_waits_for_others(
    taken: list[Execution], recorder: Recorder, monkeypatch: pytest.MonkeyPatch, batch: int, expected: list[int]
) -> None:
    batches: list[int] = []
    stored: SimpleQueue[int] = SimpleQueue()

    def record(results: Sequence[Result]) -> int:
        batches.append(len(results))
        stored.put(len(results))
        return len(results)

    monkeypatch.setattr(recording.runs, "record", record)
    monkeypatch.setattr(recording, "FLUSH_EVERY", 3_600.0)
    monkeypatch.setattr(recording, "BATCH", batch)
    recorder.add(result(taken[0]))
    stored.get(timeout=30)
    for one in taken[1:]:
        recorder.add(result(one))
    for _ in expected[1:-1]:
        stored.get(timeout=30)
    time.sleep(0.05)  # by now it waits for others
    recorder.after(lambda: None).result(30)

    assert batches == expected


def test_a_chunk_goes_on_while_the_one_before_is_stored_but_not_two_ahead(
    taken: list[Execution], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, slow, record = threading.Event(), threading.Event(), runs.record

    def record_slowly(results: Sequence[Result]) -> int:
        begun.set()
        assert slow.wait(30)
        return record(results)

    def stored() -> int:
        return Execution.objects.exclude(finished_at=None).count()

    async def chunks() -> None:
        seen: list[int] = []
        recorder.add(result(taken[0]))
        await recorder.hand_over(lambda: seen.append(stored()))
        assert begun.wait(30)  # or both were stored together
        recorder.add(result(taken[1]))
        second = asyncio.create_task(recorder.hand_over(lambda: seen.append(stored())))
        await asyncio.sleep(0.1)
        assert not second.done()
        slow.set()
        await second
        assert seen[:1] == [1]
        await asyncio.wrap_future(recorder.after(lambda: None))
        assert seen == [1, 2]

    monkeypatch.setattr(recording.runs, "record", record_slowly)
    asyncio.run(chunks())


def test_a_lost_connection_costs_no_result(taken: list[Execution], recorder: Recorder) -> None:
    recorder.after(lambda: connection.ensure_connection()).result(30)  # that of its thread, not of this one
    with closing(psycopg2.connect(**connection.get_connection_params())) as other, other.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 1
    connection.close()  # it was ended, too

    store(recorder, [result(one) for one in taken])

    run = TestRun.objects.get()
    assert (run.passed, run.phase) == (12, "finished")


def test_a_database_that_is_away_is_waited_for_but_not_for_ever(
    taken: list[Execution], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [3]
    record = runs.record

    def away(results: Sequence[Result]) -> int:
        if left[0]:
            left[0] -= 1
            raise OperationalError("the database system is starting up")
        return record(results)

    monkeypatch.setattr(recording.runs, "record", away)
    store(recorder, [result(one) for one in taken[:4]])
    assert TestRun.objects.get().passed == 4

    left[0] = 1_000
    monkeypatch.setattr(worker, "PATIENCE", 0.5)
    with capture_logs() as said:
        store(recorder, [result(taken[4])])
    assert [(one["event"], one["executions"]) for one in said if one["log_level"] == "error"] == [
        ("results.unstored", [taken[4].pk])
    ]
    left[0] = 0
    store(recorder, [result(one) for one in taken[5:]])
    assert TestRun.objects.get().passed == 11, "what came afterwards is stored"


def test_one_that_cannot_be_stored_does_not_take_others_with_it(taken: list[Execution], recorder: Recorder) -> None:
    broken = replace(result(taken[3]), state="no such state " * 9)  # longer than its column

    with capture_logs() as said:
        store(recorder, [result(one) for one in taken[:3]] + [broken] + [result(one) for one in taken[4:]])

    assert [one["executions"] for one in said if one["event"] == "results.unstored"] == [[taken[3].pk]]
    assert TestRun.objects.get().passed == 11


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_recorder_whose_thread_could_not_begin_or_has_ended_begins_anew(
    taken: list[Execution], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child at the limit of its memory: the chunk after the next would wait for ever for what it handed over."""
    limit = [1]

    class Limited(threading.Thread):
        def start(self) -> None:
            if limit.pop():
                raise RuntimeError("can't start new thread")
            super().start()

    def no_memory(*_: object) -> None:
        monkeypatch.undo()
        connections.close_all()
        raise SystemExit  # ends a thread without a word, as nothing is left to say it with

    monkeypatch.setattr(recording, "Thread", Limited)
    with pytest.raises(RuntimeError):
        recorder.add(result(taken[0]))
    limit += [0]
    recorder.add(result(taken[1]))
    recorder.after(lambda: None).result(10)
    assert TestRun.objects.get().passed == 2

    monkeypatch.setattr(recording, "_record", no_memory)
    recorder.add(result(taken[2]))
    assert recorder._thread is not None
    recorder._thread.join(10)
    store(recorder, [result(one) for one in taken[3:]])
    assert TestRun.objects.get().passed == 11, "all but those that it held"


def test_what_is_to_be_done_afterwards_and_fails_holds_nobody_up(taken: list[Execution], recorder: Recorder) -> None:
    def fail() -> None:
        raise ValueError("no room")

    async def chunks() -> list[dict[str, object]]:
        complaints: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        for one in taken[:3]:
            recorder.add(result(one))
            await recorder.hand_over(fail)
        gc.collect()
        return complaints

    with capture_logs() as said:
        assert asyncio.run(chunks()) == []
        recorder.after(lambda: None).result(10)
    assert [one["event"] for one in said if one["log_level"] == "error"] == ["results.unfinished"] * 3
    assert TestRun.objects.get().passed == 3


def test_a_child_that_ends_stores_what_is_left_and_closes_its_connection(
    taken: list[Execution], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ones: list[bool] = []
    monkeypatch.setattr(recording, "recorder", lambda: recorder)
    for one in taken:
        recorder.add(result(one))

    with capture_logs() as said:
        recording.finish()
        recorder.after(lambda: open_ones.append(connection.connection is not None)).result(10)

    assert [one for one in said if one["log_level"] == "error"] == []
    assert TestRun.objects.get().passed == 12
    assert open_ones == [False]
