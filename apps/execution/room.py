"""Room in an environment: who leaves it sends what waits for it (apps.runs.parking)."""

from collections.abc import Sequence

from django.db import connection

from apps.execution import dispatch
from apps.execution.shares import Share
from apps.runs import services as runs

MOST = dispatch.LARGEST  # sent at once; they make room again when they are done


def leave(share: Share, *, wake: bool) -> None:
    """Hold *share* no longer and, with *wake*, send what waited for room. In one round trip when nothing did."""
    with connection.cursor() as cursor:
        sql = "DELETE FROM execution_share WHERE holder = %s"
        if not wake:
            cursor.execute(sql, [share.holder])
            return
        cursor.execute(f"{sql}; {runs.WAKE}", [share.holder, share.environment_id, MOST])
        waiting = [row[0] for row in cursor.fetchall()]
    _send(waiting)


def wake(environment_id: int) -> None:
    """Send what waits for room in an environment."""
    _send(runs.wake(environment_id, MOST))


def _send(waiting: Sequence[int]) -> None:
    if waiting:
        dispatch.send_by_run(waiting)
