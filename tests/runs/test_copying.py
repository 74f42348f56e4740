"""What is stored by COPY comes back as it was, whatever is in it."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection

from apps.runs import services
from apps.runs.copying import copy, json_text, many
from apps.runs.models import Execution, StepResult, TestRun
from apps.runs.results import File, StepRecord
from tests.runs.conftest import result

pytestmark = pytest.mark.django_db

MakeRun = Callable[..., TestRun]
Take = Callable[[TestRun], list[Execution]]
HOSTILE = "tab\there, line\nbreak, return\r, back\\slash, \\N, \\., “quotes”, 100 %, 😀, \\x00"


def step(**fields: Any) -> StepRecord:
    return StepRecord(**{"position": 0, "name": "One", "kind": "http", "state": "passed"} | fields)


def test_texts_and_json_come_back_as_they_were(make_run: MakeRun, take: Take) -> None:
    execution = take(make_run(1))[0]
    seen = {"body": HOSTILE, HOSTILE: [None, True, 1.5, -3, 2**70, {"nested": "\\N"}]}

    services.record([result(execution, steps=[step(name=HOSTILE, message=HOSTILE, request=seen, response=seen)])])

    stored = StepResult.objects.get()
    assert (stored.name, stored.message) == (HOSTILE, HOSTILE)
    assert (stored.request, stored.response) == (seen, seen)
    assert (stored.started_at, stored.duration_ms, stored.point_id) == (None, None, None)


def test_numbers_beyond_64_bits_are_written_in_full() -> None:
    assert json_text({"n": 2**70}) == '{"n": 1180591620717411303424}'


def test_a_file_that_cannot_be_kept_costs_the_file_and_not_the_result(
    make_run: MakeRun, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(1)
    execution = take(run)[0]

    def full(*_: Any, **__: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_storage, "save", full)
    services.record(
        [result(execution, steps=[step(files=[File(name="a.png", content_type="image/png", content=b"x")])])]
    )

    assert TestRun.objects.get(pk=run.pk).passed == 1
    assert StepResult.objects.get().response["notes"] == ["the file a.png could not be kept: No space left on device"]
    assert not execution.artifacts.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [lambda: copy("runs_attempt", ["id"], [["1"]]), lambda: many("VALUES %s", [(1,)])])
def test_a_connection_that_was_ended_is_said_as_django_says_it(write: Callable[[], Any]) -> None:
    """Who waits for a database that is away would not wait for psycopg2's own errors."""
    connection.ensure_connection()
    with closing(psycopg2.connect(**connection.get_connection_params())) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        time.sleep(0.2)
    with pytest.raises((OperationalError, InterfaceError)):
        write()
    connection.close()
