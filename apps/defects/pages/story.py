"""The timeline in words: who did what when, with comments in full."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.core import markdown
from apps.defects.mentions import emphasised
from apps.defects.models import Defect, DefectEvent, RootCause

PAGE = 100  # newest entries shown; older ones on demand
Kind = DefectEvent.Kind
ICONS = {
    Kind.OPENED: "bug",
    Kind.COMMENT: "message",
    Kind.CHANGED: "pencil",
    Kind.STATE: "arrow-right",
    Kind.ROOT_CAUSE: "bulb",
    Kind.FAILURE: "circle-x",
    Kind.RETEST: "repeat",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it is shown; *text* is safe HTML or blank."""

    event: DefectEvent
    icon: str
    sentence: str
    text: SafeString | str
    before: str = ""  # a longer text as it was

    @property
    def is_comment(self) -> bool:
        return self.event.kind == Kind.COMMENT


def story(defect: Defect, *, everything: bool = False) -> tuple[list[Entry], int]:
    """Entries, oldest first, and how many older ones were left out."""
    events = defect.events.select_related("actor", "run", "execution__case").prefetch_related("mentions__user")
    total = defect.events.count()
    newest = list(events.order_by("-pk")[: total if everything else PAGE])
    return [entry(event) for event in reversed(newest)], total - len(newest)


def entry(event: DefectEvent) -> Entry:
    """*event* in the words of the language of the page."""
    mentioned: list[User] = [mention.user for mention in event.mentions.all()]
    long = event.kind == Kind.CHANGED and event.data.get("field") == "description"
    return Entry(
        event=event,
        icon=ICONS[Kind(event.kind)],
        sentence=sentence(event),
        text=markdown.render(emphasised(event.text, mentioned)) if event.text else "",
        before=str(event.data.get("from") or "") if long else "",
    )


def sentence(event: DefectEvent) -> str:
    """What happened, to follow the name of who did it."""
    data: Mapping[str, Any] = event.data
    match event.kind:
        case Kind.OPENED:
            return _("opened this") if event.execution is None else _("opened this from a failed execution")
        case Kind.COMMENT:
            return _("commented")
        case Kind.CHANGED:
            return _change(data)
        case Kind.STATE:
            return _move(data)
        case Kind.ROOT_CAUSE:
            return _("set the root cause: %(category)s") % {"category": label(RootCause.Category, data["category"])}
        case Kind.FAILURE:
            count = data.get("count", 1)
            return ngettext("saw it fail again", "saw it fail again, %(count)s times", count) % {"count": count}
        case _:
            return _retest(data)


def _change(data: Mapping[str, Any]) -> str:
    name = data["field"]
    if name == "description":
        return _("changed the description")
    values = {"field": _field(name)}
    for side in ("from", "to"):
        value = data.get(side)
        shown = label(Defect.Severity, value) if name == "severity" else value
        values[side] = str(shown) if shown not in (None, "") else _("nobody") if name == "owner" else _("none")
    if name == "title":
        return _("changed the title from “%(from)s” to “%(to)s”") % values
    return _("changed the %(field)s from %(from)s to %(to)s") % values


def _field(name: str) -> str:
    field = Defect._meta.get_field(name)
    return str(getattr(field, "verbose_name", name)).lower()


def _move(data: Mapping[str, Any]) -> str:
    values = {
        "from": label(Defect.State, data["from"]),
        "to": label(Defect.State, data["to"]),
        "version": data.get("version", ""),
        "run": f"#{data['run']}" if "run" in data else "",
        "environment": data.get("environment", ""),
    }
    if data["to"] == Defect.State.FIXED and values["version"]:
        return _("marked this as fixed in %(version)s") % values
    if data["to"] == Defect.State.VERIFIED:
        return _("verified this: everything that showed it passed in %(run)s, %(environment)s") % values
    if data["to"] == Defect.State.REOPENED and values["run"]:
        return _("opened this again: it failed in %(run)s, %(environment)s") % values
    return _("moved this from %(from)s to %(to)s") % values


def _retest(data: Mapping[str, Any]) -> str:
    state = data["state"]
    if state == "running":
        count = data.get("executions", 0)
        return ngettext(
            "started a retest of %(count)s execution", "started a retest of %(count)s executions", count
        ) % {"count": count}
    if state == "passed":
        missing = data.get("missing", 0)
        if not missing:
            return _("saw the retest pass")
        return ngettext(
            "saw the retest pass, but %(count)s case that showed this was not in it",
            "saw the retest pass, but %(count)s cases that showed this were not in it",
            missing,
        ) % {"count": missing}
    if state == "failed":
        return _("saw the retest fail") if data.get("same_reason") else _("saw the retest fail, for another reason")
    return _("could not conclude anything from the retest: %(why)s") % {"why": inconclusive(data.get("why", ""))}


def inconclusive(why: str) -> str:
    """Why a retest showed nothing."""
    return {
        "cancelled": _("it was cancelled"),
        "blocked": _("it was blocked"),
        "skipped": _("everything was skipped"),
        "without-fix": _("it met a version without the fix"),
    }.get(why, _("no result"))


def label(choices: Any, value: Any) -> str:
    """Label of *value*, or the value itself when it is not (or no longer) a choice."""
    return str(choices(value).label) if value in choices.values else str(value)
