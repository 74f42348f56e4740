"""The processes of an embedded start, and how each is started."""

import sys
from dataclasses import dataclass

from integhub.runtime.embedded import Servers
from integhub.runtime.environment import QUEUES, SHOP_SERVICES, of_machine
from integhub.runtime.layout import ROOT, Layout

WORKER_PROCESSES = 2
WEB_GOODBYE_SECONDS = 3  # live event streams never end by themselves


@dataclass(frozen=True)
class Service:
    """One process: its *name*, its command, its environment and the file descriptors that it inherits."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    descriptors: tuple[int, ...] = ()


def all_services(layout: Layout, servers: Servers, listener: int, *, demo: bool) -> list[Service]:
    """Web (answering on the listening socket with descriptor *listener*), worker, scheduler, mailbox, and with *demo*
    the example system."""
    python = (sys.executable, "-m")
    environment = servers.environment | servers.shop
    celery = (*python, "celery", "-A", "integhub")
    web = (
        *python, "uvicorn", "integhub.asgi:application", "--fd", str(listener),
        "--timeout-graceful-shutdown", str(WEB_GOODBYE_SECONDS), "--no-access-log",
        "--no-proxy-headers",  # no proxy stands before it: nobody may choose the address that attempts are counted by
    )  # fmt: skip
    worker = (
        *celery, "worker", "--queues", ",".join(QUEUES), "--concurrency", str(WORKER_PROCESSES),
        "--loglevel", "info", "--without-gossip", "--without-mingle",
    )  # fmt: skip
    # Without a pid file: one left by a killed start would stop every later one.
    beat = (*celery, "beat", "--loglevel", "info", "--pidfile=", "--schedule", str(layout.beat / "schedule"))
    mailbox = (sys.executable, str(ROOT / "manage.py"), "mailbox")
    own = [
        Service("web", web, environment, (listener,)),
        Service("worker", worker, environment),
        Service("beat", beat, environment),
        Service("mailbox", mailbox, environment),
    ]
    shop = [Service(name, (*python, "examples.shop", name), of_machine() | servers.shop) for name in SHOP_SERVICES]
    return own + (shop if demo else [])
