"""The known traps of Celery with Redis are stepped around on purpose (docs/configuration.md names them)."""

import inspect
import re
from pathlib import Path

from django.conf import settings

from apps.catalog.definition.step_validation import MAX_SECONDS
from apps.execution import chunk
from apps.execution.requests import TEARDOWN
from apps.runs.claiming import MAX_ATTEMPTS
from integhub.celery import app

ROOT = Path(__file__).parents[2]
OURS = ("execution.", "defects.")


def test_a_lost_process_gives_its_message_back_and_the_database_counts_how_often() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert MAX_ATTEMPTS == 3


def test_no_work_that_goes_on_is_delivered_twice() -> None:
    """celery #5935: a visibility timeout below the longest task redelivers it while it runs."""
    visible = app.conf.broker_transport_options["visibility_timeout"]

    assert visible > app.conf.task_time_limit > chunk.LONGEST + MAX_SECONDS + TEARDOWN


def test_a_process_holds_no_more_than_it_executes() -> None:
    assert app.conf.worker_prefetch_multiplier == 1


def test_redis_has_one_list_for_each_queue() -> None:
    """celery #10238, #8673: priorities within a queue of Redis."""
    assert app.conf.broker_transport_options["priority_steps"] == [0]


def test_tasks_are_plain_functions() -> None:
    """celery #10634: a coroutine function would "succeed" with a coroutine that nobody awaits."""
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if name.startswith(OURS)}

    assert {"execution.chunk", "execution.try-step", "defects.settle_ended"} <= ours.keys()
    assert not [name for name, task in ours.items() if inspect.iscoroutinefunction(task.run)]


def test_nothing_is_sent_for_later_and_nothing_is_revoked() -> None:
    """celery #9663: what waits for its time is redelivered after the visibility timeout. revoke(terminate=True) with
    late acknowledgement loses the message."""
    odd = re.compile(r"\b(countdown=|eta=|\.revoke\()")
    found = [str(file) for file in (ROOT / "apps").rglob("*.py") if odd.search(file.read_text())]

    assert found == []


def test_nobody_forks_inside_a_prefork_child() -> None:
    """celery #1709: its children are daemons, which multiprocessing does not let have children."""
    odd = re.compile(r"^\s*(import multiprocessing|from multiprocessing)", re.MULTILINE)

    assert [str(file) for file in (ROOT / "apps").rglob("*.py") if odd.search(file.read_text())] == []


def test_no_results_are_kept_in_redis() -> None:
    assert settings.CELERY_TASK_IGNORE_RESULT
