"""The life of one service process: logs, switches, clean end on SIGTERM."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from examples.shop import telemetry
from examples.shop.addresses import required
from examples.shop.control import Control


@dataclass(frozen=True)
class Service:
    """What every service gets from its process."""

    name: str
    redis: Redis
    control: Control
    log: structlog.typing.FilteringBoundLogger


Serving = Callable[[Service], AbstractAsyncContextManager[None]]


def run(name: str, serving: Serving) -> int:
    """Run the service *name* until SIGTERM or Ctrl-C; return the exit code."""
    _configure_logs()
    telemetry.start(name)
    try:
        asyncio.run(_until_stopped(name, serving))
    finally:
        telemetry.stop()
    return 0


async def _until_stopped(name: str, serving: Serving) -> None:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(service=name)
    stop = _stop_on_signals()
    try:
        async with Redis.from_url(required("SHOP_REDIS_URL"), decode_responses=True) as redis:
            service = Service(name, redis, Control(redis, name), log)
            await _wait_for_redis(service)
            await service.control.apply_environment()
            async with serving(service):
                log.info("ready", version=(await service.control.read()).version)
                await stop.wait()
    except asyncio.CancelledError:
        stop.set()
    log.info("stopped")


def _stop_on_signals() -> asyncio.Event:
    """Cancel the task that runs now on SIGTERM and Ctrl-C; the event says so in case that gets lost."""
    task, stop = asyncio.current_task(), asyncio.Event()

    def end() -> None:
        if not stop.is_set():
            stop.set()
            if task is not None:
                task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    return stop


async def _wait_for_redis(service: Service) -> None:
    pause = 0.05
    while True:
        try:
            await service.redis.ping()
        except (RedisError, OSError):
            service.log.debug("waiting", target="redis")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)
        else:
            return


def _configure_logs() -> None:
    level = logging.getLevelNamesMapping().get(os.environ.get("SHOP_LOG_LEVEL", "info").upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "service", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # A collector that is away must not fill the log of the shop.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
