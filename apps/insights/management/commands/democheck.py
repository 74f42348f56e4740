"""``manage.py democheck``: lets the worker execute the demo plan and prints what happened."""

import os
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand

from apps.catalog.models import TestPlan
from apps.catalog.services import cases_of
from apps.execution.services import start_run
from apps.insights.demo import accounts
from apps.insights.demo.verdict import Designed, executable_here, judge, open_defects, p95_by_point
from apps.insights.management.commands.demo import PLAN
from apps.runs.models import TestRun

WAIT = 180.0  # seconds for the whole plan


class Command(BaseCommand):
    help = "Runs the demo plan on the worker, prints a table, and ends with 0 only if all of it is as designed."

    def handle(self, *args: Any, **options: Any) -> None:
        plan = TestPlan.objects.select_related("system").get(system__slug="shop", slug=PLAN)
        lead = accounts.team_and_lead()[1]
        environment = plan.system.environments.order_by("position")[0]
        planned = list(cases_of(plan).select_related("current"))
        chosen = executable_here(planned)
        if left_out := len(planned) - len(chosen):
            self.stdout.write(f"  left out  {left_out} cases that need a browser: there is no Chromium on this machine")
        run = start_run(
            system=plan.system,
            environment=environment,
            cases=chosen,
            plan=plan,
            started_by=lead,
            trigger=TestRun.Trigger.DEMO,
        )
        run = self._wait(run)
        designed = judge(run)
        defects = open_defects(run, lead)
        self._print(run, designed, defects)
        if designed.surprises:
            sys.exit(1)

    def _wait(self, run: TestRun) -> TestRun:
        """Until nothing is left to the workers; executions that wait for a person may stay."""
        deadline = time.monotonic() + WAIT
        while run.is_open and run.done + run.waiting < run.total and time.monotonic() < deadline:
            time.sleep(0.2)
            run = TestRun.objects.get(pk=run.pk)
        return run

    def _print(self, run: TestRun, designed: Designed, defects: int) -> None:
        rows: list[tuple[str, Any]] = [
            ("cases", designed.cases),
            ("executions", run.total),
            ("passed", run.passed),
            ("failed as designed", designed.failed_as_designed),
            ("waiting for a person", run.waiting),
            ("defects opened", defects),
        ]
        rows += [(f"p95 {slug}", f"{p95:.1f} ms") for slug, p95 in p95_by_point(run)]
        if started := os.environ.get("INTEGHUB_STARTED_AT"):
            rows.append(("seconds since start", f"{time.time() - float(started):.0f}"))
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            self.stdout.write(f"  {name:<{width}}  {value}")
        for surprise in designed.surprises:
            self.stdout.write(self.style.ERROR(f"  not as designed: {surprise}"))
