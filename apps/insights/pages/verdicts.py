"""A verdict in words, with links to what it is about."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.insights.readiness import Readiness, Reason, Verdict, Why
from apps.systems.models import System

MARKS = {
    Verdict.READY: ("circle-check", "passed"),
    Verdict.NOT_READY: ("circle-x", "failed"),
    Verdict.NO_EVIDENCE: ("help", "unknown"),
}


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One reason as it is read."""

    text: str
    url: str
    is_against: bool


@dataclass(frozen=True, slots=True)
class VerdictCard:
    """One environment's verdict as it is shown."""

    readiness: Readiness
    word: str
    icon: str
    tone: str
    reasons: list[ReasonLine]


def cards(system: System, judged: list[Readiness]) -> list[VerdictCard]:
    """Cards in the order of the environments."""
    return [card(system, one) for one in judged]


def card(system: System, one: Readiness) -> VerdictCard:
    """The card of one environment."""
    icon, tone = MARKS[one.verdict]
    place = one.environment.slug
    return VerdictCard(
        readiness=one,
        word=word(one.verdict),
        icon=icon,
        tone=tone,
        reasons=[
            ReasonLine(_text(reason, one), _url(system, reason, place), reason.is_against) for reason in one.reasons
        ],
    )


def word(verdict: Verdict) -> str:
    """The verdict's word."""
    return {
        Verdict.READY: _("Ready"),
        Verdict.NOT_READY: _("Not ready"),
        Verdict.NO_EVIDENCE: _("No evidence"),
    }[verdict]


def _text(reason: Reason, one: Readiness) -> str:
    count = reason.count
    if reason.why == Why.CASES_FAILING:
        text = ngettext("%(count)s important case fails", "%(count)s important cases fail", count)
    elif reason.why == Why.POINTS_FAILING:
        text = ngettext("%(count)s critical seam fails", "%(count)s critical seams fail", count)
    elif reason.why == Why.DEFECTS:
        text = ngettext("%(count)s serious defect is unsolved", "%(count)s serious defects are unsolved", count)
    elif reason.why == Why.NOTHING_IMPORTANT:
        text = _("No case is of high priority")
    elif reason.why == Why.CASES_MISSING and one.deployed_at:
        text = ngettext(
            "%(count)s important case not run since the deployment",
            "%(count)s important cases not run since the deployment",
            count,
        )
    elif reason.why == Why.CASES_MISSING:
        text = ngettext("%(count)s important case never ran", "%(count)s important cases never ran", count)
    else:
        text = ngettext("%(count)s critical seam untested", "%(count)s critical seams untested", count)
    return text % {"count": count}


def _url(system: System, reason: Reason, place: str) -> str:
    slug = system.slug
    if reason.why == Why.DEFECTS:
        return reverse("defects:defects", args=[slug]) + "?" + urlencode({"min_severity": "high", "environment": place})
    shown = {"environment": place, **_SHOWN.get(reason.why, {})}
    page = "insights:map" if reason.why in (Why.POINTS_FAILING, Why.POINTS_MISSING) else "insights:cases"
    return f"{reverse(page, args=[slug])}?{urlencode(shown)}"


# What the list of cases and the map show of each reason.
_SHOWN = {
    Why.CASES_FAILING: {"release": Why.CASES_FAILING.value},
    Why.CASES_MISSING: {"release": Why.CASES_MISSING.value},
    Why.POINTS_FAILING: {"show": "failed"},
    Why.POINTS_MISSING: {"show": "untested"},
}
