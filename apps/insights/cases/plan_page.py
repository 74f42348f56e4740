"""Plans: what they select and how their last runs ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Max

from apps.catalog.models import TestPlan
from apps.catalog.services import cases_of, count_cases
from apps.environments.models import Environment
from apps.insights.cases.case_list import PAGE, Row, environment_of
from apps.insights.cases.case_list import rows as case_rows
from apps.runs.models import TestRun

RUNS = 10


@dataclass(frozen=True)
class PlanRow:
    """A plan in the list, with the number of its cases and its last run."""

    plan: TestPlan
    count: int
    run: TestRun | None


@dataclass(frozen=True)
class Selected:
    """A page of the cases of a plan, with their results in one environment."""

    page: Page[Any]
    rows: list[Row]
    environment: Environment | None


def plan_rows(plans: Sequence[TestPlan]) -> list[PlanRow]:
    """*plans* as the list shows them; three queries for all."""
    newest = TestRun.objects.filter(plan__in=plans).order_by().values("plan").annotate(last=Max("pk")).values("last")
    last = {run.plan_id: run for run in TestRun.objects.filter(pk__in=newest).select_related("environment")}
    counts = count_cases(plans)
    return [PlanRow(plan, counts.get(plan.pk, 0), last.get(plan.pk)) for plan in plans]


def selected(plan: TestPlan, environments: Sequence[Environment], slug: str, number: Any) -> Selected:
    """A page of the cases that *plan* selects, with their results in the environment called *slug*, or the first."""
    environment = environment_of(environments, slug)
    page = Paginator(cases_of(plan).select_related("suite"), PAGE).get_page(number)
    return Selected(page, case_rows(page.object_list, environment), environment)


def last_runs(plan: TestPlan) -> list[TestRun]:
    """The newest runs of *plan*."""
    runs = TestRun.objects.filter(plan=plan).select_related("environment", "started_by").order_by("-pk")
    return list(runs[:RUNS])
