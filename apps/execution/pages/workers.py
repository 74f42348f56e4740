"""The page of workers: who takes what, how much waits, and how to start one more."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import redis
from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Sum, Window
from django.db.models.functions import RowNumber

from apps.catalog.definition import kinds
from apps.core.states import State
from apps.environments.models import Environment
from apps.execution.models import SHARED, Worker
from apps.execution.queues import base_of, is_base, listened
from apps.execution.serving import command
from apps.runs.models import Execution, TestRun
from apps.systems.models import System

SHOWN = 50  # queues, and workers, on one page
NAMED = 8  # environments named beside a queue


@dataclass(frozen=True)
class WorkerRow:
    """A worker with the queues that matter to the reader, and how many executions it has in its hands."""

    worker: Worker
    queues: list[str]
    running: int


@dataclass(frozen=True)
class QueueRow:
    """A queue that environments name (the first of them, and how many *more*): what waits for it, and who takes from
    it. *messages* None: Redis is away."""

    name: str
    environments: list[Environment]
    more: int
    workers: int
    processes: int
    allowed: list[str]
    waiting: int
    messages: int | None
    command: str


def running_of(workers: Iterable[Worker]) -> dict[str, int]:
    """Executions that each worker (by name) has in its hands."""
    held = Execution.objects.filter(state=State.RUNNING, worker__in=[worker.name for worker in workers])
    return dict(held.order_by().values_list("worker").annotate(n=Count("pk")))


class WorkersPage:
    """One page of the queues that environments of *system* name, those with work first, and one of the workers that
    take from them, lost ones first. The queries are as many whatever there is."""

    def __init__(self, system: System, *, queues: Any = 1, workers: Any = 1) -> None:
        self.system = system
        self._waiting, self._count = self._left(), self._named()
        bases = sorted(self._count, key=lambda base: (not self._waiting[base], base != SHARED, base))
        self.queue_page: Page[str] = Paginator(bases, SHOWN).get_page(queues)
        listening = Worker.objects.listening_to(bases) if bases else Worker.objects.none()
        self.worker_page: Page[Worker] = Paginator(listening.lost_first(), SHOWN).get_page(workers)
        self._known = set(bases)

    def workers(self) -> list[WorkerRow]:
        """Rows of the page of workers."""
        running = running_of(self.worker_page)
        return [
            WorkerRow(one, [queue for queue in one.queues if queue in self._known], running.get(one.name, 0))
            for one in self.worker_page
        ]

    def queues(self) -> list[QueueRow]:
        """Rows of the page of queues."""
        shown = list(self.queue_page)
        named, messages = self._environments(shown), _messages(shown)
        alike = Worker.objects.alive().listening_to(shown).order_by().values_list("queues", "allowed")
        groups = list(alike.annotate(n=Count("pk"), processes=Sum("concurrency"))) if shown else []
        return [self._row(base, named[base], groups, messages.get(base)) for base in shown]

    def _row(
        self, base: str, named: list[Environment], groups: list[tuple[Any, ...]], messages: int | None
    ) -> QueueRow:
        inside = [group for group in groups if base in group[0]]
        return QueueRow(
            name=base,
            environments=named,
            more=self._count[base] - len(named),
            workers=sum(n for _queues, _allowed, n, _processes in inside),
            processes=sum(processes for _queues, _allowed, _n, processes in inside),
            allowed=sorted({kind for _queues, allowed, _n, _processes in inside for kind in allowed}),
            waiting=self._waiting[base],
            messages=messages,
            command=command(base),
        )

    def _named(self) -> Counter[str]:
        """How many environments name each queue."""
        found: Counter[str] = Counter()
        for queue, count in self.system.environments.order_by().values_list("queue").annotate(n=Count("pk")):
            found[queue or SHARED] += count
        return found

    def _left(self) -> Counter[str]:
        """Executions without a result in open runs by queue, but those that wait for a person."""
        done = F("passed") + F("failed") + F("blocked") + F("skipped") + F("cancelled") + F("waiting")
        open_runs = TestRun.objects.filter(environment__system=self.system, phase__in=["queued", "running"])
        found: Counter[str] = Counter()
        for queue, left in open_runs.order_by().values_list("environment__queue").annotate(n=Sum(F("total") - done)):
            found[queue or SHARED] += left
        return found

    def _environments(self, bases: list[str]) -> dict[str, list[Environment]]:
        """The first environments of each queue, by name."""
        nth = Window(RowNumber(), partition_by=[F("queue")], order_by=["position", "name"])
        wanted = ["" if base == SHARED else base for base in bases] + [SHARED]
        named: dict[str, list[Environment]] = defaultdict(list)
        for environment in self.system.environments.filter(queue__in=wanted).annotate(nth=nth).filter(nth__lte=NAMED):
            named[base_of(environment)].append(environment)
        return named


def _messages(bases: list[str]) -> dict[str, int]:
    """Messages that wait in each base queue and its variants; nothing when Redis is away."""
    restricted = [kind.name for kind in kinds() if kind.restricted]
    names = {base: listened([base], restricted) for base in bases}
    client = redis.Redis.from_url(settings.CELERY_BROKER_URL, **settings.REDIS_PATIENCE)
    try:
        asked = client.pipeline(transaction=False)
        for queue in chain.from_iterable(names.values()):
            asked.llen(queue)
        lengths = iter(asked.execute())
    except redis.RedisError:
        return {}
    finally:
        client.close()
    return {base: sum(next(lengths) for _queue in variants) for base, variants in names.items()}


def bases_in(worker: Worker) -> list[str]:
    """The queues of *worker* that people named."""
    return [queue for queue in worker.queues if is_base(queue)]
