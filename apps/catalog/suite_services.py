"""Verbs on suites; public through ``apps.catalog.services``."""

from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import audit
from apps.catalog.models import TestSuite
from apps.catalog.suite_tree import in_suites
from apps.core.changes import apply_values
from apps.core.errors import Conflict
from apps.core.validation import refuse, save_valid
from apps.systems.models import System

ROOT: Final[Any] = object()  # "wherever it is", where None means the top of the tree
DEEPEST = 12


@transaction.atomic
def save_suite(
    system: System, *, by: User, suite: TestSuite | None = None, parent: TestSuite | None = ROOT, **values: Any
) -> TestSuite:
    """Make, rename or move a suite; *values*: name, description, position. *parent* None: the top of the tree.

    Refused: a parent of another system, one below the suite itself, and more than 12 levels.
    """
    System.objects.select_for_update().get(pk=system.pk)  # two moves at once could otherwise make a circle
    row = TestSuite(system=system, parent=None) if suite is None else TestSuite.objects.get(pk=suite.pk)
    made = row.pk is None
    if made and "position" not in values:
        last = system.suites.filter(parent=None if parent is ROOT else parent).aggregate(last=Max("position"))["last"]
        values["position"] = 0 if last is None else min(last + 1, 32_000)
    if parent is not ROOT:
        _check_parent(row, system, parent)
        values["parent"] = parent
    changes = apply_values(row, values)
    if made or changes:
        save_valid(row)
        detail = {} if made else {"changes": changes}
        audit(system.team, by, "suite.created" if made else "suite.changed", _subject(system, row), **detail)
    return row


def _check_parent(suite: TestSuite, system: System, parent: TestSuite | None) -> None:
    if parent is None:
        return
    if parent.system_id != system.pk:
        raise refuse("parent", _("The parent must be a suite of this system."))
    if suite.pk is not None and system.suites.filter(in_suites([suite.pk], "pk"), pk=parent.pk).exists():
        raise refuse("parent", _("A suite cannot stand below itself."))
    depth, above = 1, parent
    while above.parent is not None:
        depth, above = depth + 1, above.parent
    if depth >= DEEPEST:
        raise refuse("parent", _("Suites can be nested %(count)d levels deep.") % {"count": DEEPEST})


@transaction.atomic
def remove_suite(suite: TestSuite, *, by: User) -> None:
    """Remove a suite in which nothing is left; archived cases count."""
    TestSuite.objects.select_for_update().get(pk=suite.pk)  # nothing gets into it while we look
    suites, cases = suite.children.count(), suite.cases.count()
    if suites or cases:
        raise Conflict(
            "suite-not-empty",
            _("“%(name)s” is not empty: %(suites)d suites and %(cases)d cases (archived ones, too) are in it.")
            % {"name": suite.name, "suites": suites, "cases": cases},
        )
    audit(suite.system.team, by, "suite.removed", _subject(suite.system, suite), name=suite.name)
    suite.delete()


def _subject(system: System, suite: TestSuite) -> str:
    return f"{system.slug}/suites/{suite.name}"
