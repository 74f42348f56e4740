"""Verbs on many cases at once; public through ``apps.catalog.services``. All or nothing, in a few queries."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import audit
from apps.catalog import reading
from apps.catalog.case_services import take_columns
from apps.catalog.definition import DefinitionError, normalise, validate
from apps.catalog.models import CaseRevision, TestCase, TestSuite
from apps.core.validation import refuse
from apps.systems.models import System

Change = Callable[[dict[str, Any]], dict[str, Any]]
MOST_AUDITED = 50  # numbers named in one entry of the audit log


@transaction.atomic
def tag_cases(
    system: System, numbers: Iterable[int], *, by: User, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> int:
    """Add and remove tags; returns how many cases changed (each gets a revision)."""

    def retag(definition: dict[str, Any]) -> dict[str, Any]:
        kept = [tag for tag in definition.get("tags", []) if tag not in remove]
        return {**definition, "tags": list(dict.fromkeys([*kept, *add]))}

    return _revise(system, numbers, retag, by, _("Tags changed"))


@transaction.atomic
def prioritise_cases(system: System, numbers: Iterable[int], priority: str, *, by: User) -> int:
    """Set the priority (``low`` … ``critical``); returns how many cases changed (each gets a revision)."""
    return _revise(system, numbers, lambda definition: {**definition, "priority": priority}, by, _("Priority changed"))


@transaction.atomic
def move_cases(system: System, numbers: Iterable[int], suite: TestSuite, *, by: User) -> int:
    """Put cases in another suite; returns how many were elsewhere."""
    if suite.system_id != system.pk:
        raise refuse("suite", _("The suite must be of this system."))
    moved = [case.number for case in _locked(system, numbers) if case.suite_id != suite.pk]
    _update(system, moved, suite=suite)
    return _told(system, by, "cases.moved", moved, suite=str(suite))


@transaction.atomic
def set_statuses(system: System, numbers: Iterable[int], status: str, *, by: User) -> int:
    """Archive, restore or activate cases; returns how many changed."""
    changed = [case.number for case in _locked(system, numbers) if case.status != status]
    _update(system, changed, status=TestCase.Status(status))
    return _told(system, by, "cases.status", changed, status=status)


@transaction.atomic
def change_cases(
    system: System,
    numbers: Sequence[int],
    *,
    by: User,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    priority: str = "",
    suite: TestSuite | None = None,
    status: str = "",
) -> int:
    """Make every change that is given; returns how many cases the widest of them changed."""
    changed = [0]
    if add or remove:
        changed.append(tag_cases(system, numbers, by=by, add=add, remove=remove))
    if priority:
        changed.append(prioritise_cases(system, numbers, priority, by=by))
    if suite is not None:
        changed.append(move_cases(system, numbers, suite, by=by))
    if status:
        changed.append(set_statuses(system, numbers, status, by=by))
    return max(changed)


def _locked(system: System, numbers: Iterable[int]) -> list[TestCase]:
    wanted = list(dict.fromkeys(numbers))
    rows = system.cases.filter(number__in=wanted).select_related("current").order_by("number")
    # Locked first and read after: a row that waited for its lock comes without the revision saved meanwhile.
    list(rows.select_related(None).select_for_update().values_list("pk"))
    found = list(rows)
    if missing := sorted(set(wanted) - {case.number for case in found}):
        raise refuse("case", _("No such case: %(numbers)s") % {"numbers": ", ".join(f"C{n}" for n in missing[:20])})
    if not found:
        raise refuse("case", _("Choose at least one case."))
    return found


def _update(system: System, numbers: Sequence[int], **values: Any) -> None:
    system.cases.filter(number__in=numbers).update(updated_at=timezone.now(), **values)


def _told(system: System, by: User, action: str, numbers: Sequence[int], **detail: Any) -> int:
    if numbers:
        shown = [f"C{number}" for number in numbers[:MOST_AUDITED]]
        audit(system.team, by, action, f"{system.slug}/cases", cases=shown, count=len(numbers), **detail)
    return len(numbers)


def _revise(system: System, numbers: Iterable[int], change: Change, by: User, message: str) -> int:
    changed: list[tuple[TestCase, CaseRevision]] = []
    for case in _locked(system, numbers):
        if case.current is None:
            continue
        definition = _valid(case, change(case.current.definition))
        if definition == case.current.definition:
            continue
        take_columns(case, definition)
        changed.append((case, _next_revision(case, definition, by, message)))
    CaseRevision.objects.bulk_create([revision for _case, revision in changed])
    for case, revision in changed:
        case.current, case.updated_at = revision, revision.created_at
    TestCase.objects.bulk_update([case for case, _r in changed], ["tags", "priority", "current", "updated_at"])
    return len(changed)


def _valid(case: TestCase, definition: dict[str, Any]) -> dict[str, Any]:
    if problems := validate(definition):
        refused = reading.refusal(DefinitionError(problems))
        refused.detail = f"{case.key} · {refused.detail}"
        raise refused
    return normalise(definition)


def _next_revision(case: TestCase, definition: dict[str, Any], by: User, message: str) -> CaseRevision:
    number = case.current.number + 1 if case.current else 1
    return CaseRevision(case=case, number=number, definition=definition, message=message, author=by)
