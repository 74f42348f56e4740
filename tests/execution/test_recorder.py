"""Results are stored in batches that grow with the load, and wait for a database that is away."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from queue import SimpleQueue

import psycopg2
import pytest
from django.db import OperationalError, connection, connections

from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import recorder as recording
from apps.execution import services, worker
from apps.execution.recorder import Recorder
from apps.execution.worker import in_database
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


async def store(results: Sequence[Result]) -> None:
    recorder = Recorder()
    recorder.add(results[0])
    await asyncio.sleep(0.02)
    for one in results[1:]:
        recorder.add(one)
    try:
        await recorder.close()
    finally:
        await in_database(connections.close_all)


def test_the_first_result_is_stored_at_once_and_the_others_together(
    taken: list[Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []

    def record(results: Sequence[Result]) -> int:
        batches.append(len(results))
        return len(results)

    monkeypatch.setattr(recording.runs, "record", record)
    asyncio.run(store([result(one) for one in taken]))

    assert batches == [1, 11]


@pytest.mark.parametrize(("batch", "expected"), [(5, [1, 5, 5, 1]), (250, [1, 11])])
def test_neither_a_full_batch_nor_the_last_one_waits_for_others(
    taken: list[Execution], monkeypatch: pytest.MonkeyPatch, batch: int, expected: list[int]
) -> None:
    batches: list[int] = []

    stored: SimpleQueue[int] = SimpleQueue()

    def record(results: Sequence[Result]) -> int:
        batches.append(len(results))
        stored.put(len(results))
        return len(results)

    async def store_slowly() -> None:
        recorder = Recorder()
        recorder.add(result(taken[0]))
        async with asyncio.timeout(30):
            await asyncio.to_thread(stored.get, timeout=30)
            for one in taken[1:]:
                recorder.add(result(one))
            for _ in expected[1:-1]:
                await asyncio.to_thread(stored.get, timeout=30)
            await asyncio.sleep(0.05)  # by now it waits for others
            await recorder.close()
        await in_database(connections.close_all)

    monkeypatch.setattr(recording.runs, "record", record)
    monkeypatch.setattr(recording, "FLUSH_EVERY", 3_600.0)
    monkeypatch.setattr(recording, "BATCH", batch)
    asyncio.run(store_slowly())

    assert batches == expected


def test_a_lost_connection_costs_no_result(taken: list[Execution]) -> None:
    async def interrupted() -> None:
        await in_database(runs.claim, [0], "w", timedelta(0))  # that of the recorder's thread
        with closing(psycopg2.connect(**parameters)) as other, other.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] >= 1
        await store([result(one) for one in taken])

    parameters = connection.get_connection_params()
    asyncio.run(interrupted())
    connection.close()  # it was ended, too

    run = TestRun.objects.get()
    assert (run.passed, run.phase) == (12, "finished")


def test_a_database_that_is_away_is_waited_for_but_not_for_ever(
    taken: list[Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [3]
    record = runs.record

    def away(results: Sequence[Result]) -> int:
        if left[0]:
            left[0] -= 1
            raise OperationalError("the database system is starting up")
        return record(results)

    monkeypatch.setattr(recording.runs, "record", away)
    asyncio.run(store([result(one) for one in taken]))
    assert TestRun.objects.get().passed == 12

    left[0] = 1_000
    monkeypatch.setattr(worker, "PATIENCE", 0.5)
    with pytest.raises(OperationalError):
        asyncio.run(store([result(taken[0])]))
