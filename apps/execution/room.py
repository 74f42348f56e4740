"""Room in an environment: who leaves it sends what waits for it (apps.runs.parking)."""

from collections.abc import Sequence

from apps.execution import dispatch
from apps.runs import services as runs

MOST = dispatch.LARGEST  # sent at once; they make room again when they are done


def wake(environment_id: int) -> None:
    """Send what waits for room in an environment."""
    _send(runs.wake(environment_id, MOST))


def _send(waiting: Sequence[int]) -> None:
    if waiting:
        dispatch.send_by_run(waiting)
