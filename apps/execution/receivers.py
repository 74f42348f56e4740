"""What execution does at news from below."""

from collections.abc import Sequence
from typing import Any

from apps.accounts.signals import tester_left
from apps.execution import assigning, dispatch, registration
from apps.runs.signals import executions_requeued


def connect() -> None:
    """Called once when the application is ready."""
    executions_requeued.connect(send_again, dispatch_uid="execution.send_again")
    tester_left.connect(give_back_work, dispatch_uid="execution.give_back_work")
    registration.connect()


def send_again(sender: Any, execution_ids: Sequence[int], **_: Any) -> None:
    """Failed executions that have attempts left."""
    dispatch.send_by_run(execution_ids)


def give_back_work(sender: Any, team_id: int, user_id: int, **_: Any) -> None:
    """Work of somebody who left the team is nobody's."""
    assigning.give_back_work_of(team_id, user_id)
