"""Celery tasks of execution; they take ids and may be delivered twice without harm."""

from typing import Any

from celery import shared_task
from celery.signals import worker_process_init

from apps.execution import chunk, dispatch, queues, trying, warming
from apps.execution.dispatch import CHUNK_TASK, REST_TASK
from apps.execution.worker import run_async


@worker_process_init.connect
def warm_up(**_: Any) -> None:
    """A child of the worker was forked."""
    warming.warm_up()


@shared_task(name=CHUNK_TASK)
def execute_chunk(run_id: int, ids: list[int], needs: str = "") -> None:
    """Execute queued executions of one run that all need *needs*. What others hold or have finished is left alone."""
    run_async(chunk.execute(run_id, ids, queues.width_of(needs)))


@shared_task(name=trying.TASK, time_limit=trying.LIMIT + 30)
def try_step(ticket: str) -> None:
    """Run the step that the editor tries under *ticket*, once."""
    trying.answer(ticket)


@shared_task(name=REST_TASK, ignore_result=True)
def send_rest(run_id: int, position: int) -> None:
    """Send the executions of a large run that its start did not wait for."""
    dispatch.send_rest(run_id, position)
