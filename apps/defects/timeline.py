"""Writing a defect's timeline: every change is made under the row's lock and leaves one event."""

from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core import live
from apps.defects.models import Defect, DefectEvent
from apps.defects.transitions import CLOSED, Move, target

Kind = DefectEvent.Kind


def locked(defect: Defect) -> Defect:
    """The defect as it is now, held until the transaction ends; two changes at once come one after the other."""
    held: Defect = Defect.objects.select_for_update(of=("self",)).select_related("system").get(pk=defect.pk)
    return held


def note(defect: Defect, kind: DefectEvent.Kind, by: User | None, **fields: Any) -> DefectEvent:
    """One event on the timeline; *by* is None for what IntegHub saw itself."""
    event = DefectEvent.objects.create(defect=defect, kind=kind, actor=by, **fields)
    Defect.objects.filter(pk=defect.pk).update(updated_at=event.at)
    news = {"number": defect.number, "state": defect.state, "kind": str(kind)}
    publish = partial(live.publish, f"system:{defect.system_id}", "defects", news)
    transaction.on_commit(publish, robust=True)
    return event


def move(defect: Defect, move: Move, by: User | None, text: str = "", **data: Any) -> DefectEvent:
    """Move the locked *defect* and note from where to where; Conflict when that is not possible."""
    before, after = defect.state, target(defect, move)
    defect.state = after
    defect.closed_at = timezone.now() if after in CLOSED else None
    defect.save(update_fields=["state", "closed_at", "updated_at"])
    return note(defect, Kind.STATE, by, text=text, data={"from": before, "to": after, **data})
