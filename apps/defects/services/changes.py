"""What people do with a defect: discuss, assign, describe, and move it from state to state."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Membership, User
from apps.core.errors import DomainError
from apps.core.validation import check_length, check_line
from apps.defects.mentions import mentioned
from apps.defects.models import Defect, DefectEvent, Mention, RootCause
from apps.defects.timeline import Kind, locked, move, note
from apps.defects.transitions import Move
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, System

CHANGEABLE = ("title", "description", "severity", "point", "component")
LONGEST = 20_000  # characters of a comment


@transaction.atomic
def comment(defect: Defect, *, by: User, text: str) -> DefectEvent:
    """Add a comment (Markdown); the team's members named in it with ``@`` find it on their dashboard."""
    body = demand_text(text, "text", _("Write something first."))
    held = locked(defect)
    event = note(held, Kind.COMMENT, by, text=body)
    members = User.objects.filter(memberships__team=held.system.team_id, is_active=True)
    named = [user for user in mentioned(body, members) if user.pk != by.pk]
    Mention.objects.bulk_create(Mention(event=event, user=user) for user in named)
    return event


@transaction.atomic
def assign(defect: Defect, owner: User | None, *, by: User) -> Defect:
    """Give the defect to a member of the team, or to nobody."""
    held = locked(defect)
    demand_member(held.system, owner)
    before = held.owner
    if before != owner:
        held.owner = owner
        held.save(update_fields=["owner", "updated_at"])
        _changed(held, "owner", before, owner, by)
    return held


@transaction.atomic
def change(defect: Defect, *, by: User, **values: Any) -> Defect:
    """Set title, description, severity, point or component; one event for each that really changed."""
    if unknown := set(values) - set(CHANGEABLE):
        raise TypeError(f"not changeable: {sorted(unknown)}")
    held = locked(defect)
    demand_own(held.system, values.get("point"), values.get("component"))
    if "title" in values:
        values["title"] = demand_text(values["title"], "title", _("A defect needs a title."))[:200]
        check_line("title", values["title"])
    check_length("description", values.get("description"))
    for name, value in values.items():
        before = getattr(held, name)
        if before != value:
            setattr(held, name, value)
            _changed(held, name, before, value, by)
    held.save(update_fields=[*values, "updated_at"])
    return held


@transaction.atomic
def set_root_cause(
    defect: Defect, *, category: str, explanation: str, component: Component | None = None, by: User
) -> RootCause:
    """Why it happened; said again, the newer one stands and the timeline keeps both."""
    body = demand_text(explanation, "explanation", _("Say why it happened."))
    if category not in RootCause.Category.values:
        raise DomainError("invalid", _("There is no such category."), status=422, errors=[{"field": "category"}])
    held = locked(defect)
    demand_own(held.system, component)
    values = {"category": category, "explanation": body, "component": component}
    known = RootCause.objects.filter(defect=held).first()
    if known is not None and all(getattr(known, name) == value for name, value in values.items()):
        return known
    cause, _new = RootCause.objects.update_or_create(defect=held, defaults={**values, "set_by": by})
    data = {"category": category, "component": component.name if component else ""}
    note(held, Kind.ROOT_CAUSE, by, text=body, data=data)
    return cause


@transaction.atomic
def start_work(defect: Defect, *, by: User) -> Defect:
    """Somebody works on it; without an owner that is whoever says so."""
    held = locked(defect)
    move(held, Move.START, by)
    return assign(held, by, by=by) if held.owner_id is None else held


@transaction.atomic
def mark_fixed(defect: Defect, *, by: User, version: ComponentVersion | None = None) -> Defect:
    """Somebody says that it is fixed, perhaps in *version*; only a retest shows it."""
    held = locked(defect)
    if version is not None:
        demand_own(held.system, version.component)
    held.fix_version = version
    data = {"version": str(version)} if version else {}
    move(held, Move.FIX, by, **data)
    held.save(update_fields=["fix_version", "updated_at"])
    return held


@transaction.atomic
def reject(defect: Defect, *, by: User, reason: str) -> Defect:
    """Not a defect, or will not be fixed; the reason stays on the timeline."""
    body = demand_text(reason, "reason", _("Say why it is rejected."))
    held = locked(defect)
    move(held, Move.REJECT, by, text=body)
    return held


@transaction.atomic
def reopen(defect: Defect, *, by: User, reason: str) -> Defect:
    """It is not solved after all; the reason stays on the timeline."""
    body = demand_text(reason, "reason", _("Say why it is reopened."))
    held = locked(defect)
    move(held, Move.REOPEN, by, text=body)
    return held


def demand_text(text: str, field: str, missing: str) -> str:
    """*text* without blanks around it; DomainError naming *field* when nothing is left or it is too long."""
    body = text.replace("\x00", "").strip()  # PostgreSQL stores no NUL
    if not body:
        raise DomainError("invalid", missing, status=422, errors=[{"field": field, "detail": missing}])
    if len(body) > LONGEST:
        detail = _("At most %(most)s characters.") % {"most": LONGEST}
        raise DomainError("invalid", detail, status=422, errors=[{"field": field, "detail": detail}])
    return body


def demand_member(system: System, user: User | None) -> None:
    """DomainError when *user* is not in the system's team."""
    if user is not None and not Membership.objects.filter(team=system.team_id, user=user.pk).exists():
        detail = _("%(who)s is not a member of the team.") % {"who": user}
        raise DomainError("not-a-member", detail, status=422, errors=[{"field": "owner", "detail": detail}])


def demand_own(system: System, *parts: Component | IntegrationPoint | None) -> None:
    """DomainError when one of *parts* is of another system."""
    if any(part is not None and part.system_id != system.pk for part in parts):
        raise DomainError("other-system", _("The component or integration point is of another system."), status=422)


def _changed(defect: Defect, field: str, before: Any, after: Any, by: User) -> None:
    note(defect, Kind.CHANGED, by, data={"field": field, "from": _kept(before), "to": _kept(after)})


def _kept(value: Any) -> str | int | None:
    return value if value is None or isinstance(value, str | int) else str(value)
