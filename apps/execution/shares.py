"""Keeping to an environment's limit over all worker processes: each chunk has a share of its places.

Shares are counted under an advisory lock of the environment, in one round trip for a chunk and one a second while
it goes on, so that claiming executions costs nothing more. A lost worker's share ends by itself. The table is unlogged:
after a crash of PostgreSQL it is empty until chunks renew their shares, within a second.
"""

from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import Any

from django.db import connection

from apps.core.commits import WITHOUT_DISK
from apps.execution.engine import clock
from apps.execution.worker import name

SPACE = 71_203  # of our advisory locks
LASTS = 15  # seconds without being renewed
MOST = 32_767  # that a share's row can tell

_numbers = count(1)

# Two statements in one round trip: the second sees what was committed while the first waited for the lock. At first
# a chunk takes no more than an equal part for each child process that listens; later, what is left over, or, while
# another has nothing, an equal part for each chunk, but never less than what it is executing.
_TAKE = """
    SELECT pg_advisory_xact_lock(%(space)s, %(environment)s);
    INSERT INTO execution_share AS mine (environment_id, holder, wanted, held, until)
    SELECT %(environment)s, %(holder)s, %(wanted)s,
           GREATEST(%(running)s, LEAST(%(wanted)s, env.max_parallel - others.held,
               CASE WHEN %(first)s THEN GREATEST(1, env.max_parallel / children.n)
                    WHEN others.hungry THEN GREATEST(1, env.max_parallel / (others.n + 1))
                    ELSE env.max_parallel END), 0),
           clock_timestamp() + make_interval(secs => %(lasts)s)
    FROM (SELECT GREATEST(max_parallel, 1)::int AS max_parallel, queue FROM environments_environment
          WHERE id = %(environment)s) env,
         LATERAL (SELECT COALESCE(sum(held), 0)::int AS held, count(*)::int AS n,
                         COALESCE(bool_or(held = 0 AND wanted > 0), false) AS hungry
                  FROM execution_share
                  WHERE environment_id = %(environment)s AND holder <> %(holder)s AND until > clock_timestamp()) others,
         LATERAL (SELECT GREATEST(COALESCE(sum(concurrency), 1), 1)::int AS n FROM execution_worker
                  WHERE COALESCE(NULLIF(env.queue, ''), 'execution') = ANY(queues)
                    AND seen_at > clock_timestamp() - interval '20 seconds') children
    ON CONFLICT (holder) DO UPDATE SET wanted = EXCLUDED.wanted, held = EXCLUDED.held, until = EXCLUDED.until
    RETURNING held, clock_timestamp()
"""


@dataclass
class Share:
    """A chunk's places in one environment; *held* is how many executions it may run now."""

    environment_id: int
    holder: str
    most: int
    """Places that this process could use at all."""
    held: int = 0

    @classmethod
    def of(cls, environment_id: int, most: int | None = None) -> "Share":
        """A share of this process that holds nothing yet, and never more than *most*."""
        return cls(environment_id, f"{name()}:{next(_numbers)}", MOST if most is None else most)

    def take(self, wanted: int, running: int = 0, *, first: bool = False) -> int:
        """Ask for *wanted* places, *running* of which are in use; returns how many are held now."""
        values: dict[str, Any] = {
            "space": SPACE,
            "environment": self.environment_id,
            "holder": self.holder,
            "wanted": min(wanted, self.most),
            "running": running,
            "first": first,
            "lasts": LASTS,
        }
        asked = monotonic()
        with connection.cursor() as cursor:
            cursor.execute(WITHOUT_DISK + _TAKE, values)
            self.held, told = cursor.fetchone()
        clock.agree(told, asked)
        return self.held

    def give_back(self) -> None:
        """Hold nothing any more."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM execution_share WHERE holder = %s", [self.holder])
        self.held = 0
