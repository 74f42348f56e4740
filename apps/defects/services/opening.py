"""Opening a defect and adding what shows it."""

from dataclasses import fields
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.errors import Conflict, DomainError
from apps.core.states import NOT_PASSED
from apps.core.validation import check_length, check_line
from apps.defects import evidence
from apps.defects.drafts import Draft, draft_from
from apps.defects.models import Defect, Evidence
from apps.defects.services.changes import demand_member, demand_own
from apps.defects.timeline import Kind, locked, note
from apps.runs.models import Execution, FailureGroup
from apps.systems.models import System
from apps.systems.services import next_number

GIVEN = {field.name for field in fields(Draft)} | {"owner"}


class AlreadyOpen(Conflict):
    """Nobody has shown yet that *defect*, for the same reason of failure, is gone."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(
            "defect-open",
            _("%(key)s is open for the same failure: %(title)s") % {"key": defect.key, "title": defect.title},
        )
        self.defect = defect

    def problem(self) -> dict[str, Any]:
        """Problem JSON with ``defect``: its id, key and address."""
        found = self.defect
        return super().problem() | {"defect": {"id": found.pk, "key": found.key, "url": found.get_absolute_url()}}


@transaction.atomic
def open_defect(
    execution: Execution | None, *, system: System, by: User | None, another: bool = False, **given: Any
) -> Defect:
    """A new defect, prefilled from *execution* where *given* says nothing.

    *given*: title, description, severity, point, component, owner. Its evidence is the execution and those of
    the same run that failed for the same reason. DomainError for an execution that did not fail, for something
    of another system, and without a title; AlreadyOpen when its failure has an unsolved one, unless *another*.
    """
    if unknown := set(given) - GIVEN:
        raise TypeError(f"not of a defect: {sorted(unknown)}")
    if execution is not None:
        _demand_failure(execution, system)
        if not another:
            _demand_none_open(execution)
        draft = draft_from(execution)
        given = {field.name: getattr(draft, field.name) for field in fields(Draft)} | given
    if not str(given.get("title", "")).strip():
        raise DomainError(
            "invalid",
            _("A defect needs a title."),
            status=422,
            errors=[{"field": "title", "detail": _("A defect needs a title.")}],
        )
    check_line("title", given["title"])
    check_length("description", given.get("description"))
    demand_own(system, given.get("point"), given.get("component"))
    demand_member(system, given.get("owner"))
    defect = Defect.objects.create(
        system=system,
        number=next_number(system.pk, "defect"),
        reported_by=by,
        **{**given, "title": given["title"][:200]},
    )
    note(defect, Kind.OPENED, by, execution=execution, run=execution.run if execution else None)
    if execution is not None:
        evidence.keep(defect, evidence.alike(execution), Evidence.Kind.FAILURE)
    return defect


@transaction.atomic
def add_evidence(defect: Defect, execution: Execution, *, by: User) -> Defect:
    """Another failing execution that shows the same defect. Added twice, the second does nothing."""
    held = locked(defect)
    _demand_failure(execution, held.system)
    if Evidence.objects.filter(defect=held, kind=Evidence.Kind.FAILURE).count() >= evidence.MOST:
        raise Conflict("evidence-full", _("This defect has %(count)s failures already.") % {"count": evidence.MOST})
    if evidence.keep(held, [execution], Evidence.Kind.FAILURE):
        note(held, Kind.FAILURE, by, execution=execution, run=execution.run, data={"count": 1})
    if held.failure_group_id is None and execution.failure_group_id is not None:
        held.failure_group_id = execution.failure_group_id
        held.save(update_fields=["failure_group", "updated_at"])
    return held


def _demand_none_open(execution: Execution) -> None:
    # Of two programs that saw the same failure at once, the second waits here and finds what the first has opened.
    group = FailureGroup.objects.select_for_update(no_key=True).filter(pk=execution.failure_group_id).first()
    known = Defect.objects.unsolved().filter(failure_group=group).select_related("system")
    if group is not None and (newest := known.first()) is not None:
        raise AlreadyOpen(newest)


def _demand_failure(execution: Execution, system: System) -> None:
    if execution.run.system_id != system.pk:
        raise DomainError("other-system", _("The execution must be of this system."), status=422)
    if execution.state not in NOT_PASSED:
        raise DomainError(
            "not-a-failure",
            _("%(case)s did not fail in this execution, so it does not show a defect.") % {"case": execution.case.key},
            status=422,
        )
