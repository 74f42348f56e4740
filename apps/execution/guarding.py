"""What keeps a worker's child alive, or ends it, when a case makes it do too much.

Patterns, templates, paths and schemas are bounded where they can be, but some run in native code that holds the
interpreter: nothing inside the process can stop them. A child whose loop stands still is therefore ended from outside
the interpreter, and its memory is bounded. Its executions come back when their leases end; after the third time they
are blocked.
"""

import asyncio
import ctypes
import faulthandler
import resource
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from celery.signals import worker_init, worker_process_init
from django.conf import settings

T = TypeVar("T")
_PR_SET_DUMPABLE = 4  # linux/prctl.h
_BEATS = 10  # within the limit: a loop that is only busy is not taken for one that stands still


async def watched(work: Coroutine[Any, Any, T]) -> T:
    """*work*; the process ends with a traceback in its log when the loop stands still for too long meanwhile."""
    beat = asyncio.create_task(_beat(settings.EXECUTION_STUCK_AFTER))
    try:
        return await work
    finally:
        beat.cancel()
        faulthandler.cancel_dump_traceback_later()


async def _beat(limit: float) -> None:
    while True:
        # Celery puts a logger in the place of sys.stderr, which faulthandler cannot write to.
        faulthandler.dump_traceback_later(limit, exit=True, file=sys.__stderr__ or 2)
        await asyncio.sleep(limit / _BEATS)


@worker_process_init.connect
def bound_memory(**_: Any) -> None:
    """Bound what this child may allocate; a command that it starts may raise its own limit again."""
    wanted = settings.EXECUTION_MEMORY
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


@worker_init.connect
@worker_process_init.connect
def keep_environment(**_: Any) -> None:
    """Let no other process of this user read our memory and environment: a command step could find the keys there."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
