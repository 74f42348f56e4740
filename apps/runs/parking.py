"""Executions that a worker had and could not begin: no place left in the environment, or a name of theirs is taken.

They stay queued, and *parked* says since when. Whoever makes room sends them again, the oldest first; nobody may take
a name that an older one waits for, so all get their turn. All names are taken in one statement: no deadlock.

What was sent again is on its way until a worker takes it or parks it again: meanwhile nobody else sends it, or every
chunk that leaves would send all that waits, and the queue would be full of messages about executions long finished.
"""

from collections.abc import Sequence

from django.db import connection

_OPEN = "r.paused_at IS NULL AND r.cancel_requested_at IS NULL"
# With “run_id + 0” in the join: looked up by ids whatever the statistics say, as for a claim.
_NAMED = "e.id = ANY(%s::bigint[]) AND COALESCE(e.state = 'queued', false)"

PARK = f"""
    UPDATE runs_execution AS e SET parked_at = COALESCE(e.parked_at, clock_timestamp()), woken_at = NULL
    FROM runs_testrun r WHERE r.id = e.run_id + 0 AND {_NAMED} AND {_OPEN}
"""  # noqa: S608  # no value is put in

LOST_AFTER = 30  # seconds after which the message of what was sent again is held to be lost
WAKE = f"""
    WITH chosen AS (
        SELECT e.id, (r.priority <> 'urgent', e.parked_at, e.id) AS place
        FROM runs_execution e JOIN runs_testrun r ON r.id = e.run_id
        WHERE e.parked_at IS NOT NULL AND e.state = 'queued' AND {_OPEN} AND r.environment_id = %s
          AND (e.woken_at IS NULL OR e.woken_at < clock_timestamp() - interval '{LOST_AFTER} seconds')
        ORDER BY place LIMIT %s FOR UPDATE OF e SKIP LOCKED),
    woken AS (
        UPDATE runs_execution e SET woken_at = clock_timestamp() FROM chosen WHERE e.id = chosen.id
        RETURNING e.id, chosen.place)
    SELECT id FROM woken ORDER BY place
"""  # noqa: S608

STILL = f"""
    SELECT e.id FROM runs_execution e JOIN runs_testrun r ON r.id = e.run_id + 0 WHERE {_NAMED} AND {_OPEN}
"""  # noqa: S608

# Of those that want names: not while another that runs in the environment has one of them, nor when one that has
# waited longer wants it, be that among these or parked elsewhere.
FREE = f"""
    WITH wanted AS (
        SELECT e.id, e.exclusive, COALESCE(e.parked_at, 'infinity') AS since, r.environment_id
        FROM runs_execution e JOIN runs_testrun r ON r.id = e.run_id + 0
        WHERE {_NAMED} AND e.exclusive <> '{{}}' AND {_OPEN})
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


def wake(environment_id: int, limit: int = 50) -> list[int]:
    """What waits for room in an environment and is to be sent again now: urgent runs first, then by age."""
    with connection.cursor() as cursor:
        cursor.execute(WAKE, [environment_id, limit])
        return [row[0] for row in cursor.fetchall()]
