"""Executions that a worker had and could not begin: no place left in the environment, or a name of theirs is taken.

They stay queued, and *parked* says since when. Whoever makes room sends them again, the oldest first; nobody may take
a name that an older one waits for, so all get their turn. All names are taken in one statement: no deadlock.
"""

from collections.abc import Sequence

from django.db import connection

_OPEN = "r.paused_at IS NULL AND r.cancel_requested_at IS NULL"

PARK = f"""
    UPDATE runs_execution AS e SET parked_at = COALESCE(e.parked_at, clock_timestamp())
    FROM runs_testrun r WHERE r.id = e.run_id AND e.id = ANY(%s) AND e.state = 'queued' AND {_OPEN}
"""  # noqa: S608  # no value is put in

PARKED = f"""
    SELECT e.id FROM runs_execution e JOIN runs_testrun r ON r.id = e.run_id
    WHERE e.parked_at IS NOT NULL AND e.state = 'queued' AND {_OPEN} AND r.environment_id = %s
    ORDER BY r.priority = 'urgent' DESC, e.parked_at, e.id LIMIT %s
"""  # noqa: S608

STILL = f"""
    SELECT e.id FROM runs_execution e JOIN runs_testrun r ON r.id = e.run_id
    WHERE e.id = ANY(%s) AND e.state = 'queued' AND {_OPEN}
"""  # noqa: S608

# Of those that want names: not while another that runs in the environment has one of them, nor when one that has
# waited longer wants it, be that among these or parked elsewhere.
FREE = f"""
    WITH wanted AS (
        SELECT e.id, e.exclusive, COALESCE(e.parked_at, 'infinity') AS since, r.environment_id
        FROM runs_execution e JOIN runs_testrun r ON r.id = e.run_id
        WHERE e.id = ANY(%s) AND e.state = 'queued' AND e.exclusive <> '{{}}' AND {_OPEN})
    SELECT w.id FROM wanted w
    WHERE NOT EXISTS (SELECT FROM wanted o WHERE o.exclusive && w.exclusive AND (o.since, o.id) < (w.since, w.id))
      AND NOT EXISTS (SELECT FROM runs_execution h JOIN runs_testrun r ON r.id = h.run_id
                      WHERE h.state = 'running' AND h.exclusive <> '{{}}' AND r.environment_id = w.environment_id
                        AND h.exclusive && w.exclusive)
      AND NOT EXISTS (SELECT FROM runs_execution p JOIN runs_testrun r ON r.id = p.run_id
                      WHERE p.parked_at IS NOT NULL AND p.state = 'queued' AND {_OPEN}
                        AND r.environment_id = w.environment_id AND p.exclusive && w.exclusive
                        AND (p.parked_at, p.id) < (w.since, w.id))
"""  # noqa: S608


def park(ids: Sequence[int]) -> int:
    """Note that a worker could not begin *ids*; returns how many of them are still to be executed."""
    with connection.cursor() as cursor:
        cursor.execute(PARK, [list(ids)])
        return int(cursor.rowcount)


def still_waiting(ids: Sequence[int]) -> list[int]:
    """Those of *ids* that could be executed, were there room: queued, of a run that goes on; in their order."""
    with connection.cursor() as cursor:
        cursor.execute(STILL, [list(ids)])
        found = {row[0] for row in cursor.fetchall()}
    return [pk for pk in ids if pk in found]


def parked(environment_id: int, limit: int = 50) -> list[int]:
    """What waits for room in an environment: urgent runs first, then by age."""
    with connection.cursor() as cursor:
        cursor.execute(PARKED, [environment_id, limit])
        return [row[0] for row in cursor.fetchall()]
