"""``manage.py mailbox``: the SMTP server that components of the system under test can be pointed at."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from redis.asyncio import Redis

from apps.environments.services import mailboxes
from apps.execution.mail.server import serve
from apps.execution.mail.store import MailStore


class Command(BaseCommand):
    """Runs until it is told to stop."""

    help = "Receives mail for the tests (docs/configuration.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default=settings.MAILBOX, help="host:port; INTEGHUB_MAILBOX when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        host, _, port = str(options["bind"]).rpartition(":")
        if not host or not port.isdigit():
            raise CommandError("Say where to listen: --bind 127.0.0.1:2525, or INTEGHUB_MAILBOX.")
        asyncio.run(self._serve(host.strip("[]"), int(port)))

    async def _serve(self, host: str, port: int) -> None:
        store = MailStore(Redis.from_url(settings.REDIS_URL, protocol=2))
        server = await serve(host, port, mailboxes(), store)
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        self.stdout.write(f"The mailbox listens on {host}:{port}.")
        async with server:
            await stopping.wait()
        await store.aclose()
