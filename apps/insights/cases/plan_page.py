"""Plans: what they select and how their last runs ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
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
COMPARED = 200  # newest runs of a plan among which versions are compared
SETS = 12  # sets of versions that are shown


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


@dataclass
class VersionSet:
    """Versions of the components that matter to a plan, with the newest run on them; None: the plan never ran so.

    *wanted* None: the plan is meant for no versions in particular.
    """

    versions: dict[str, str]
    run: TestRun | None
    count: int
    wanted: bool | None


def by_versions(plan: TestPlan) -> list[VersionSet]:
    """How *plan* last ended on each set of versions, newest first, then those that it is meant for and never ran on.

    The components that matter are those that the plan names, or else those whose version changed between its runs.
    One query; nothing when there is nothing to compare.
    """
    runs = list(TestRun.objects.filter(plan=plan).select_related("environment").order_by("-pk")[:COMPARED])
    components = sorted(plan.versions) or _changed(runs)
    found: dict[tuple[str, ...], VersionSet] = {}
    for run in runs:
        key = tuple(run.versions.get(component, "") for component in components)
        if key in found:
            found[key].count += 1
        else:
            found[key] = VersionSet(dict(zip(components, key, strict=True)), run, 1, _is_wanted(plan, components, key))
    every = islice(product(*(plan.versions.get(component, []) for component in components)), SETS)
    missing = [key for key in every if plan.versions and key not in found]
    sets = [*found.values(), *(VersionSet(dict(zip(components, key, strict=True)), None, 0, True) for key in missing)]
    return sets[:SETS] if components else []


def _changed(runs: Sequence[TestRun]) -> list[str]:
    """Components of which *runs* saw several versions."""
    seen: dict[str, set[str]] = {}
    for run in runs:
        for component, version in run.versions.items():
            seen.setdefault(component, set()).add(version)
    return sorted(component for component, versions in seen.items() if len(versions) > 1)


def _is_wanted(plan: TestPlan, components: Sequence[str], key: Sequence[str]) -> bool | None:
    if not plan.versions:
        return None
    return all(version in plan.versions[component] for component, version in zip(components, key, strict=True))


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
