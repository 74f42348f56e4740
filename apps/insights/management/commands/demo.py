"""``manage.py demo``: the demo team, its system, and a first run of its plan."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from apps.catalog.models import TestPlan
from apps.catalog.services import cases_of
from apps.execution.services import start_run
from apps.insights.demo import accounts, loading
from apps.insights.demo.verdict import executable_here
from apps.runs.models import TestRun
from apps.systems.models import System

FOLDER = settings.BASE_DIR / "examples" / "shop" / "demo"
PLAN = "everything"


class Command(BaseCommand):
    help = "Loads the demo team and the example shop; does nothing twice. Only in the embedded start."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("The demo has well-known passwords: it is only for the embedded start.")
        team, lead = accounts.team_and_lead()
        system, made = loading.load(Path(FOLDER), team, lead)
        if made:
            self._first_runs(system, lead)
        self.stdout.write(f"{system.name}: {system.cases.count()} cases, {system.points.count()} integration points")

    def _first_runs(self, system: System, lead: User) -> None:
        """Real results to look at: the plan in each environment, executed as soon as the worker is there."""
        plan = TestPlan.objects.get(system=system, slug=PLAN)
        for environment in system.environments.order_by("position"):
            start_run(
                system=system,
                environment=environment,
                cases=executable_here(cases_of(plan).select_related("current")),
                plan=plan,
                started_by=lead,
                trigger=TestRun.Trigger.DEMO,
            )
