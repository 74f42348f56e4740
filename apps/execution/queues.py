"""Names of Celery queues: an environment's own or the common one, by what the work needs and how urgent it is.

``execution`` and ``env.staging`` are bases, which people name. A worker listens to their variants by itself:
``execution+command`` carries what only workers with INTEGHUB_ALLOW=command may execute, ``…+urgent`` what goes before
others. ``+`` stands in no name that a person can give. Redis is asked for all of a worker's queues in turn, so one
urgent chunk waits for one other chunk at most, however many of those there are.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

from apps.catalog.definition import find_kind
from apps.catalog.models import RunPriority
from apps.environments.models import Environment
from apps.execution.models import SHARED
from apps.runs.models import TestRun

PRIVATE = "env."  # queues of environments begin so
JOIN = "+"
URGENT = "urgent"


def base_of(environment: Environment) -> str:
    """The queue that the environment's workers were started with."""
    return environment.queue or SHARED


def queue_of(run: TestRun, needs: str = "") -> str:
    """Where executions of *run* are sent that need the restricted kinds *needs* (joined, as executions keep it)."""
    return variant(base_of(run.environment), needs, urgent=run.priority == RunPriority.URGENT)


def variant(base: str, needs: str = "", *, urgent: bool = False) -> str:
    """One variant of a base queue."""
    return JOIN.join([base, *([needs] if needs else []), *([URGENT] if urgent else [])])


def joined(kinds: Iterable[str]) -> str:
    """Restricted kinds as one word, the same for the same kinds."""
    return JOIN.join(sorted(set(kinds)))


def width_of(needs: str) -> int | None:
    """How many executions that need the kinds *needs* (joined) one process takes at once; None for no such bound."""
    kinds = (find_kind(name) for name in needs.split(JOIN))
    return min((kind.width for kind in kinds if kind is not None and kind.width), default=None)


def is_base(queue: str) -> bool:
    """Whether *queue* carries executions and was named by a person."""
    return JOIN not in queue and (queue == SHARED or queue.startswith(PRIVATE))


def listened(bases: Iterable[str], allowed: Sequence[str]) -> list[str]:
    """Every queue that a worker listens to which was started with *bases* and may execute *allowed*."""
    groups = [joined(kinds) for size in range(len(allowed) + 1) for kinds in combinations(sorted(allowed), size)]
    return [variant(base, needs, urgent=urgent) for base in bases for needs in groups for urgent in (True, False)]
