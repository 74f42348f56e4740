"""News from runs: a retest that has ended, a known failure seen again."""

from typing import Any

from apps.defects import services
from apps.runs.signals import executions_failed, run_finished


def on_run_finished(sender: Any, *, run_id: int, **_rest: Any) -> None:
    """The run may have been a retest."""
    services.settle(run_id)


def on_executions_failed(sender: Any, *, run_id: int, execution_ids: list[int], **_rest: Any) -> None:
    """They may have failed as a defect did before."""
    services.note_failures(run_id, execution_ids)


def connect() -> None:
    """Listen; called once, when the app is ready."""
    run_finished.connect(on_run_finished, dispatch_uid="defects.run_finished")
    executions_failed.connect(on_executions_failed, dispatch_uid="defects.executions_failed")
