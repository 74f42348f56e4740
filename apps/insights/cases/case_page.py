"""The page of one case: how it does in each environment, its executions, revisions, plans and defects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet

from apps.catalog.models import CaseRevision, TestCase, TestPlan, TestSuite
from apps.catalog.services import yaml_diff
from apps.defects.models import Defect, Evidence
from apps.environments.models import DataRow, Environment
from apps.runs.models import CaseRecord, Execution
from apps.systems.models import System

EXECUTIONS = 20
REVISIONS = 20
ROWS = 50
LINKED = 20  # plans and defects


@dataclass(frozen=True)
class Standing:
    """How a case does in one environment; *record* is None where it never ran."""

    environment: Environment
    record: CaseRecord | None


@dataclass(frozen=True)
class Change:
    """A revision and what it changed from the one before, as lines of a diff."""

    revision: CaseRevision
    lines: list[str]
    first: bool


def find(system: System) -> QuerySet[TestCase]:
    """Cases of *system* with what their pages show of their surroundings."""
    found: QuerySet[TestCase] = TestCase.objects.filter(system=system)
    return found.select_related("system", "suite", "current__author", "dataset", "workflow").prefetch_related("points")


def standings(case: TestCase) -> list[Standing]:
    """Each environment of the system with the case's record there."""
    records = {record.environment_id: record for record in case.records.all()}
    return [Standing(environment, records.get(environment.pk)) for environment in case.system.environments.all()]


def executions(case: TestCase, environment: str, number: Any) -> Page[Any]:
    """Executions of *case*, newest first; of one environment when its slug is given."""
    found = Execution.objects.filter(case=case).select_related("run__environment", "run__system").order_by("-pk")
    if environment:
        found = found.filter(run__environment__slug=environment)
    found = found.defer("row", "resume_captured")
    return Paginator(found, EXECUTIONS).get_page(number)


def changes(case: TestCase, number: Any) -> tuple[Page[Any], list[Change]]:
    """A page of revisions, newest first, each with its difference from the one before."""
    page = Paginator(case.revisions.select_related("author"), REVISIONS).get_page(number)
    shown = list(page.object_list)
    before: dict[int, Mapping[str, Any]] = {revision.number: revision.definition for revision in shown}
    if shown and shown[-1].number > 1:
        older = case.revisions.filter(number__lt=shown[-1].number).first()
        before |= {older.number: older.definition} if older else {}
    numbers = sorted(before)
    earlier = dict(zip(numbers[1:], numbers, strict=False))
    return page, [_change(revision, before.get(earlier.get(revision.number, 0))) for revision in shown]


def _change(revision: CaseRevision, before: Mapping[str, Any] | None) -> Change:
    return Change(revision, yaml_diff(before, revision.definition) if before else [], before is None)


def plans_with(case: TestCase, path: Sequence[TestSuite]) -> list[TestPlan]:
    """Plans that select *case*: by name, by tag, by a suite of its *path*, or because they take everything."""
    found = Q(everything=True) | Q(cases=case) | Q(suites__in=path)
    if case.tags:
        found |= Q(tags__overlap=case.tags)
    return list(case.system.plans.filter(found).distinct()[:LINKED])


def defects_of(case: TestCase) -> list[Defect]:
    """Defects with executions of *case* as evidence; open ones first, then the newest."""
    evidence = Evidence.objects.filter(execution__case=case).values("defect")
    found = Defect.objects.filter(system=case.system_id, pk__in=evidence)
    return list(found.order_by(F("closed_at").desc(nulls_first=True), "-pk")[:LINKED])


def data_rows(case: TestCase) -> list[DataRow]:
    """The first rows of the case's data set."""
    return list(case.dataset.rows.all()[:ROWS]) if case.dataset else []
