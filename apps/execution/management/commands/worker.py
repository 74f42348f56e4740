"""``manage.py worker --queues env.staging``: a worker, with the settings of this installation."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.catalog.definition import kinds
from apps.execution.models import SHARED
from apps.execution.queues import PRIVATE, is_base
from integhub.celery import app

COMMON = f"celery,{SHARED}"


class Command(BaseCommand):
    """Starts a Celery worker and stays until it is told to end."""

    help = "Execute test cases on this machine: a worker for the given queues."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Queues, what it may execute, and how many processes."""
        parser.add_argument(
            "--queues", default=COMMON, help=f"comma-separated: {SHARED}, or {PRIVATE}… of environments ({COMMON})"
        )
        allowed = ",".join(settings.EXECUTION_ALLOW)
        parser.add_argument("--allow", default=allowed, help="restricted step kinds it may execute, comma-separated")
        parser.add_argument(
            "--concurrency", type=int, default=2, help="processes (2); each executes many cases at once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM; what it has begun is finished first."""
        queues = [name for name in options["queues"].split(",") if name]
        odd = [name for name in queues if not is_base(name) and name not in ("celery", "control")]
        if odd or not queues:
            raise CommandError(f"Queues are called {SHARED} or {PRIVATE}NAME, not {', '.join(odd) or 'nothing'}.")
        restricted = {kind.name for kind in kinds() if kind.restricted}
        allowed = [name for name in options["allow"].split(",") if name]
        if unknown := sorted(set(allowed) - restricted):
            raise CommandError(
                f"No restricted step kind is called {', '.join(unknown)}: {', '.join(sorted(restricted))}."
            )
        settings.EXECUTION_ALLOW = allowed
        words = ["--queues", ",".join(queues), "--concurrency", str(options["concurrency"]), "--loglevel", "info"]
        app.worker_main(["worker", *words, "--without-gossip", "--without-mingle"])
