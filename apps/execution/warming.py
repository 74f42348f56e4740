"""Making a worker's child ready before its first chunk, so that nobody's click waits for it."""

import gc
import sys

import structlog
from django.db import Error, connection
from redis import RedisError

from apps.core import live
from apps.execution.worker import engine_executors, in_database, run_async

logger = structlog.get_logger(__name__)

YOUNG = 25_000  # objects until the collector looks at the newest; an execution makes some hundreds and keeps few

SHARE = 0.0005  # seconds after which the loop lets the database thread go on: claims and results must not queue for it


def warm_up() -> None:
    """Open the loop and its connections, and take what is loaded for good out of the garbage collector's sight.

    Django's many objects never become garbage; without this, collections in mid-run look at each of them again, which
    costs more than a fifth of the engine's time.
    """
    try:
        run_async(_connect())
    except (Error, RedisError) as error:  # the first chunk tries again, and says so if it fails
        logger.warning("worker.cold", error=str(error))
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
    sys.setswitchinterval(SHARE)


async def _connect() -> None:
    engine_executors().find("http")
    await in_database(_open)


def _open() -> None:
    connection.ensure_connection()
    live.ping()
