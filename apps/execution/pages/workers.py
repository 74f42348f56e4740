"""The page of workers: who takes what, how much waits, and how to start one more."""

from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db.models import Count, F, Sum

from apps.core.states import State
from apps.environments.models import Environment
from apps.execution.models import Worker
from apps.execution.queues import JOIN, base_of, is_base
from apps.execution.serving import command
from apps.runs.models import Execution, TestRun
from apps.systems.models import System


@dataclass(frozen=True)
class WorkerRow:
    """A worker with the queues that matter to the reader, and how many executions it has in its hands."""

    worker: Worker
    queues: list[str]
    running: int


@dataclass(frozen=True)
class QueueRow:
    """A queue that environments name: what waits for it, and who takes from it. *messages* None: Redis is away."""

    name: str
    environments: list[Environment]
    workers: int
    processes: int
    allowed: list[str]
    waiting: int
    messages: int | None
    command: str


def running_of(workers: list[Worker]) -> dict[str, int]:
    """Executions that each worker (by name) has in its hands."""
    held = Execution.objects.filter(state=State.RUNNING, worker__in=[worker.name for worker in workers])
    return dict(held.order_by().values_list("worker").annotate(n=Count("pk")))


def workers_of(system: System) -> tuple[list[WorkerRow], list[QueueRow]]:
    """Workers and queues of the environments of *system*."""
    environments = list(system.environments.all())
    bases = list(dict.fromkeys(base_of(environment) for environment in environments))
    workers = list(Worker.objects.listening_to(bases)) if bases else []
    running = running_of(workers)
    rows = [WorkerRow(one, [q for q in one.queues if q in bases], running.get(one.name, 0)) for one in workers]
    waiting, messages = _waiting(environments), _messages(bases)
    return rows, [_queue(base, environments, workers, waiting, messages.get(base)) for base in bases]


def _queue(
    base: str, environments: list[Environment], workers: list[Worker], waiting: dict[Any, int], messages: int | None
) -> QueueRow:
    inside = [environment for environment in environments if base_of(environment) == base]
    alive = [worker for worker in workers if worker.is_alive and base in worker.queues]
    return QueueRow(
        name=base,
        environments=inside,
        workers=len(alive),
        processes=sum(worker.concurrency for worker in alive),
        allowed=sorted({kind for worker in alive for kind in worker.allowed}),
        waiting=sum(waiting.get(environment.pk, 0) for environment in inside),
        messages=messages,
        command=command(base),
    )


def _waiting(environments: list[Environment]) -> dict[Any, int]:
    """Executions without a result in open runs of each environment (by id), but those that wait for a person."""
    open_runs = TestRun.objects.filter(environment__in=environments, phase__in=["queued", "running"]).order_by()
    done = F("passed") + F("failed") + F("blocked") + F("skipped") + F("cancelled") + F("waiting")
    return dict(open_runs.values_list("environment").annotate(left=Sum(F("total") - done)))


def _messages(bases: list[str]) -> dict[str, int]:
    """Messages that wait in each base queue and its variants."""
    client = redis.Redis.from_url(settings.CELERY_BROKER_URL, **settings.REDIS_PATIENCE)
    counts: dict[str, int] = {}
    try:
        for base in bases:
            names = [base, *(key.decode() for key in client.scan_iter(f"{base}{JOIN}*", count=1000))]
            counts[base] = sum(int(client.llen(name)) for name in names)
    except redis.RedisError:
        return {}
    finally:
        client.close()
    return counts


def bases_in(worker: Worker) -> list[str]:
    """The queues of *worker* that people named."""
    return [queue for queue in worker.queues if is_base(queue)]
