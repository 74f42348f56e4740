"""A worker's main process tells of itself: it listens to all variants of its queues, and is heard of every few seconds.

The heartbeat has a thread and a database connection of its own, given back each time: the children that are forked
later must not inherit an open one, and a database that is away must not stop the worker from taking work.

It sweeps, too. A tick of beat would need a child, and all children may be busy with cases that take an hour; where no
worker is, nobody would execute a tick either.
"""

import threading
from datetime import UTC, datetime
from typing import Any

import structlog
from celery.signals import celeryd_after_setup, worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models.functions import Now
from redis import RedisError

from apps.execution import queues, sweeping
from apps.execution.models import Worker
from apps.execution.worker import name

logger = structlog.get_logger(__name__)

EVERY = 5.0  # seconds; silent after four that are missing (models.SILENT_AFTER)


class Heartbeat:
    """Writes the row of this worker until it is told to stop, then takes it away."""

    def __init__(self, listened: list[str], concurrency: int) -> None:
        self._stop = threading.Event()
        self._fixed: dict[str, Any] = {
            "queues": listened,
            "allowed": sorted(settings.EXECUTION_ALLOW),
            "version": settings.VERSION,
            "concurrency": concurrency,
            "started_at": datetime.now(tz=UTC),
        }
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def take_no_more(self) -> None:
        """Tell, with the next beat, that it finishes what it has and takes nothing more."""
        self._fixed["queues"] = []

    def stop(self) -> None:
        """Take the row away and end the thread."""
        self._stop.set()
        self._thread.join(EVERY)

    def _run(self) -> None:
        while True:
            self._once(lambda: Worker.objects.update_or_create(name=name(), defaults=self._fixed | _now()))
            self._once(sweeping.sweep_if_nobody_does)
            if self._stop.wait(EVERY):
                self._once(lambda: Worker.objects.filter(name=name()).delete())
                return

    def _once(self, write: Any) -> None:
        try:
            write()
        except (DatabaseError, RedisError) as error:
            logger.warning("heartbeat.unheard", error=str(error))
        finally:
            connections.close_all()


def _now() -> dict[str, Any]:
    return {"seen_at": Now(), "lost_at": None}  # by the database's clock, as who looks for silent ones


_beats: list[Heartbeat] = []


def connect() -> None:
    """Called once when the application is ready; only Celery's workers send these."""
    celeryd_after_setup.connect(listen, weak=False)
    worker_ready.connect(register, weak=False)
    worker_shutting_down.connect(finish, weak=False)
    worker_shutdown.connect(withdraw, weak=False)


def listen(sender: str, instance: Any, **_: Any) -> None:
    """Take work from every variant of the queues that the worker was started with."""
    chosen = instance.app.amqp.queues
    bases = [queue for queue in chosen.consume_from if queues.is_base(queue)]
    for queue in queues.listened(bases, sorted(settings.EXECUTION_ALLOW)):
        if queue not in bases:
            chosen.select_add(queue)


def register(sender: Any, **_: Any) -> None:
    """Begin to be heard of."""
    beat = Heartbeat(sorted(sender.app.amqp.queues.consume_from), int(sender.controller.concurrency or 1))
    beat.start()
    _beats.append(beat)


def finish(**_: Any) -> None:
    """Was asked to end; called inside a signal handler, so nothing is waited for here."""
    for beat in _beats:
        beat.take_no_more()


def withdraw(**_: Any) -> None:
    """Ends properly: nobody need wait for it."""
    for beat in _beats:
        beat.stop()
    _beats.clear()
