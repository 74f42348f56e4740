"""What a Celery worker's child keeps between tasks: one event loop, the executors, a thread for the database.

Celery has no asyncio pool, so every child runs its coroutines on a loop of its own that stays open: connections
of executors are reused from task to task. Django's ORM is used from one thread of its own, which keeps its
database connection, so that the loop never waits for the database.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from time import monotonic
from typing import Any, TypeVar

import structlog
import uvloop
from billiard import current_process
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential_jitter,
)

from apps.environments.services import mailboxes
from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.settings import BrowserSettings, EngineSettings, MailboxSettings
from apps.execution.executors.registry import Executors
from apps.execution.guarding import watched
from apps.execution.hooks import StoredCallbacks

T = TypeVar("T")
AWAY = (OperationalError, InterfaceError)  # what a database that is away, or just comes back, makes of a question
PATIENCE = 120.0  # seconds that work waits for a database that is away; then its leases give it to others
TRUSTED = 1.0  # seconds after its last use in which a connection is used again without asking whether it still lives

logger = structlog.get_logger(__name__)
_thread = threading.local()  # when it last used its connection with success


def name() -> str:
    """This worker, as shown with its executions: ``host:pid`` of its main process."""
    in_child = current_process().name != "MainProcess"
    return f"{socket.gethostname()}:{os.getppid() if in_child else os.getpid()}"


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop()


@cache
def _database() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")


@cache
def engine_executors() -> Executors:
    """Executors of this child; opened lazily, so safe after the fork."""
    egress = EgressPolicy.of(
        deny=settings.EXECUTION_DENY_ADDRESSES,
        allow=settings.EXECUTION_ALLOW_ADDRESSES,
        only_allowed=settings.EXECUTION_ONLY_ALLOWED,
    )
    browser = BrowserSettings(executable=settings.EXECUTION_CHROMIUM)
    return Executors(EngineSettings(egress=egress, browser=browser, mailbox=_mailbox(), callbacks=StoredCallbacks()))


def _mailbox() -> MailboxSettings | None:
    if not settings.MAILBOX:
        return None
    ours = mailboxes()
    return MailboxSettings(redis_url=settings.REDIS_URL, key=ours.key, domain=ours.domain)


def allowed_kinds() -> frozenset[str]:
    """Restricted step kinds that this worker was started for."""
    return frozenset(settings.EXECUTION_ALLOW)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end on this child's loop, which must not stand still."""
    return _loop().run_until_complete(watched(work))


async def in_database(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call *function*, which uses the ORM, in the database thread."""

    return await asyncio.get_running_loop().run_in_executor(_database(), partial(_call, function, *args, **kwargs))


def _call(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    if connection.errors_occurred or monotonic() - getattr(_thread, "used", -TRUSTED) > TRUSTED:
        close_old_connections()
    result = function(*args, **kwargs)
    _thread.used = monotonic()
    return result


async def in_database_at_last(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """The same, also through a restart of PostgreSQL; *function* may have been called before without its answer."""
    return await AsyncRetrying(**_patience())(in_database, function, *args, **kwargs)


def at_last(function: Callable[..., T], *args: Any) -> T:
    """The same in the calling thread, which waits, and has a connection of its own."""
    result: T = Retrying(**_patience())(_call, function, *args)
    return result


def _patience() -> dict[str, Any]:
    return {
        "retry": retry_if_exception_type(AWAY),
        "wait": wait_exponential_jitter(multiplier=0.1, max=2.0),
        "stop": stop_after_delay(PATIENCE),
        "before_sleep": _say_waiting,
        "reraise": True,
    }


def _say_waiting(state: RetryCallState) -> None:
    error = state.outcome and state.outcome.exception()
    logger.warning("database.away", attempt=state.attempt_number, error=str(error).strip())
