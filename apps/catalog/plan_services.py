"""Verbs on plans; public through ``apps.catalog.services``."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import audit
from apps.catalog import plan_versions
from apps.catalog.models import TestCase, TestPlan, TestSuite
from apps.catalog.suite_tree import in_suites
from apps.core.changes import apply_values
from apps.core.validation import free_slug, refuse, save_valid
from apps.systems.models import System


def cases_of(plan: TestPlan) -> QuerySet[TestCase]:
    """Active cases that *plan* selects, each once, by number; one query when evaluated."""
    found: QuerySet[TestCase] = TestCase.objects.filter(system=plan.system_id, status=TestCase.Status.ACTIVE)
    if plan.everything:
        return found.order_by("number")
    suites = list(plan.suites.values_list("pk", flat=True))
    chosen = Q(pk__in=plan.cases.through.objects.filter(testplan=plan).values("testcase"))
    if suites:
        chosen |= in_suites(suites)
    if plan.tags:
        chosen |= Q(tags__overlap=plan.tags)
    return found.filter(chosen).order_by("number")


@transaction.atomic
def save_plan(
    system: System,
    *,
    by: User,
    plan: TestPlan | None = None,
    suites: Iterable[TestSuite] | None = None,
    cases: Iterable[TestCase] | None = None,
    **values: Any,
) -> TestPlan:
    """Make or change a plan; *values*: name, slug, description, everything, tags, versions and its runs' settings.

    None leaves a selection as it is.
    """
    given: tuple[tuple[str, Iterable[Any] | None], ...] = (("suites", suites), ("cases", cases))
    chosen = {name: list(rows) for name, rows in given if rows is not None}
    for name, rows in chosen.items():
        _check_own(system, name, rows)
    row = TestPlan(system=system) if plan is None else TestPlan.objects.select_for_update().get(pk=plan.pk)
    made = row.pk is None
    if made and not values.get("slug"):
        values["slug"] = free_slug(system.plans.all(), str(values.get("name", "")), limit=60)
    if "tags" in values:
        values["tags"] = list(dict.fromkeys(tag.strip() for tag in values["tags"] if tag.strip()))
    if "versions" in values:
        values["versions"] = plan_versions.checked(system, values["versions"])
    changes: dict[str, Any] = apply_values(row, values)
    save_valid(row)
    for name, rows in chosen.items():
        changes |= _select(row, name, rows)
    if made or changes:
        audit(system.team, by, "plan.created" if made else "plan.changed", _subject(system, row), changes=changes)
    return row


def _check_own(system: System, name: str, rows: Sequence[TestSuite | TestCase]) -> None:
    if any(row.system_id != system.pk for row in rows):
        raise refuse(name, _("Suites and cases of a plan must be of its system."))


def _select(plan: TestPlan, name: str, rows: Sequence[Any]) -> dict[str, Any]:
    related = getattr(plan, name)
    before = set(related.values_list("pk", flat=True))
    after = {row.pk for row in rows}
    if before == after:
        return {}
    related.set(rows)
    return {name: [len(before), len(after)]}


@transaction.atomic
def remove_plan(plan: TestPlan, *, by: User) -> None:
    """Remove a plan; its runs stay."""
    audit(plan.system.team, by, "plan.removed", _subject(plan.system, plan), name=plan.name)
    plan.delete()


def _subject(system: System, plan: TestPlan) -> str:
    return f"{system.slug}/plans/{plan.slug}"
