"""What execution does at news from below."""

from collections.abc import Sequence
from typing import Any

from apps.execution import dispatch, registration
from apps.runs.signals import executions_requeued


def connect() -> None:
    """Called once when the application is ready."""
    executions_requeued.connect(send_again, dispatch_uid="execution.send_again")
    registration.connect()


def send_again(sender: Any, execution_ids: Sequence[int], **_: Any) -> None:
    """Failed executions that have attempts left."""
    dispatch.send_by_run(execution_ids)
