"""Verbs on cases; public through ``apps.catalog.services``."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import audit
from apps.catalog import reading
from apps.catalog.conflicts import EditConflict
from apps.catalog.definition import Case, DefinitionError, find_kind, restricted_kinds, steps_of
from apps.catalog.models import CaseRevision, TestCase, TestSuite
from apps.catalog.shared_services import take_shared
from apps.core.errors import DomainError
from apps.core.validation import check, refuse
from apps.systems.models import System, Workflow
from apps.systems.services import next_number

KEEP: Final[Any] = object()  # "leave it as it is", where None means none
PRIORITY: dict[str, TestCase.Priority] = {priority.name.lower(): priority for priority in TestCase.Priority}
LONGEST_MESSAGE = 200


@transaction.atomic
def save_case(
    system: System,
    suite: TestSuite,
    definition: Mapping[str, Any] | str,
    author: User | None,
    message: str = "",
    case: TestCase | None = None,
    *,
    based_on: int | None = None,
    status: str | None = None,
    workflow: Workflow | None = KEEP,
) -> TestCase:
    """Make or change a case; *definition* is JSON data or YAML text.

    A revision is added only when the definition changed; the columns of the case are taken from it. *based_on* is
    the number of the revision that was edited: EditConflict when there is a newer, different one. DomainError
    ``invalid-definition`` (422) names paths, and lines and columns of text; unknown slugs are such errors, too.
    """
    if suite.system_id != system.pk or (workflow not in (None, KEEP) and workflow.system_id != system.pk):
        raise refuse("suite", _("The suite and the workflow must be of this system."))
    try:
        draft = reading.read(system, definition)
    except DefinitionError as error:
        raise reading.refusal(error) from None
    row = _locked(case) if case is not None else TestCase(system=system, number=next_number(system.pk, "case"))
    _check_edit(row, based_on, draft.definition)
    row.suite = suite
    row.status = status or row.status
    row.workflow = row.workflow if workflow is KEEP else workflow
    take_columns(row, draft.definition)
    row.dataset = draft.dataset
    inside = take_shared(row, draft.shared)
    check(row)
    row.save()
    _add_revision(row, draft.definition, author, message)
    row.points.set([*draft.points, *system.points.filter(slug__in=inside)] if inside else draft.points)
    row.shared_steps.set(draft.shared)
    return row


def _locked(case: TestCase) -> TestCase:
    """The row as it is in the database, kept from others until the transaction ends."""
    rows: QuerySet[TestCase] = TestCase.objects.all()
    # Locked first and read after: a row that waited for its lock comes without the revision saved meanwhile.
    rows.select_for_update().values_list("pk").get(pk=case.pk)
    return rows.select_related("current__author", "system").get(pk=case.pk)


def _check_edit(case: TestCase, based_on: int | None, edited: Mapping[str, Any]) -> None:
    current = case.current
    if based_on is None or current is None or current.number == based_on or current.definition == edited:
        return
    opened = case.revisions.filter(number=based_on).first()
    if opened is None:
        raise refuse("based_on", _("There is no revision %(number)d of this case.") % {"number": based_on})
    raise EditConflict(opened, current, edited)


def take_columns(case: TestCase, definition: Mapping[str, Any]) -> None:
    """Set the columns of *case* that are copies from its definition, but for the rows that it names."""
    view = Case.of(definition)
    case.title, case.tags, case.priority = view.title, list(dict.fromkeys(view.tags)), PRIORITY[view.priority]
    case.needs, case.exclusive, case.retries = restricted_kinds(definition), view.exclusive, view.retries
    by_person = [step.has_person for step in view.steps]
    if not any(by_person):
        case.mode = TestCase.Mode.AUTOMATED
    else:
        case.mode = TestCase.Mode.MANUAL if all(by_person) else TestCase.Mode.MIXED


def _add_revision(case: TestCase, definition: dict[str, Any], author: User | None, message: str) -> None:
    current = case.current
    if current is not None and current.definition == definition:
        return
    case.current = CaseRevision.objects.create(
        case=case,
        number=current.number + 1 if current else 1,
        definition=definition,
        message=" ".join(message.split())[:LONGEST_MESSAGE],
        author=author,
    )
    case.save(update_fields=["current"])


@transaction.atomic
def go_back(case: TestCase, number: int, *, by: User) -> TestCase:
    """Make the definition of an earlier revision the current one again, as a new revision."""
    earlier = case.revisions.filter(number=number).first()
    if earlier is None:
        raise DomainError("no-such-revision", _("There is no revision %(number)d.") % {"number": number}, status=404)
    message = _("Back to revision %(number)d") % {"number": number}
    return save_case(case.system, case.suite, earlier.definition, by, message, case)


@transaction.atomic
def duplicate_case(case: TestCase, *, by: User) -> TestCase:
    """A draft that does the same, in the same suite."""
    if case.current is None:
        raise DomainError("no-definition", _("This case has no definition yet."), status=409)
    limit = TestCase._meta.get_field("title").max_length or 0
    title = (_("Copy of %(title)s") % {"title": case.title})[:limit]
    return save_case(
        case.system,
        case.suite,
        {**case.current.definition, "title": title},
        by,
        _("Copy of %(case)s") % {"case": case.key},
        status=TestCase.Status.DRAFT,
        workflow=case.workflow,
    )


@transaction.atomic
def set_status(case: TestCase, status: str, *, by: User) -> TestCase:
    """Archive, restore or activate a case; its results stay."""
    row = _locked(case)
    if row.status != status:
        before, row.status = row.status, TestCase.Status(status)
        row.save(update_fields=["status", "updated_at"])
        audit(row.system.team, by, "case.status", _subject(row), before=before, after=row.status)
    return row


@transaction.atomic
def move_case(case: TestCase, suite: TestSuite, *, by: User) -> TestCase:
    """Put a case in another suite of its system."""
    row = _locked(case)
    if suite.system_id != row.system_id:
        raise refuse("suite", _("The suite must be of this system."))
    if row.suite_id != suite.pk:
        before, row.suite = row.suite, suite
        row.save(update_fields=["suite", "updated_at"])
        audit(row.system.team, by, "case.moved", _subject(row), before=str(before), after=str(suite))
    return row


def _subject(case: TestCase) -> str:
    return f"{case.system.slug}/cases/{case.number}"


def known_kinds_only(definition: Mapping[str, Any]) -> bool:
    """Whether every step is of an installed kind, so that a form can show it."""
    return all(find_kind(step.get("kind", "")) for _path, step in steps_of(definition))
