"""A verdict in words, with links to what it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
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
URGENCY = (Verdict.NOT_READY, Verdict.NO_EVIDENCE, Verdict.READY)
FEW = 6  # cards until the rest is asked for
PAGE = 24  # cards of one page of all


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


@dataclass(frozen=True, slots=True)
class Tally:
    """How many environments have a verdict."""

    word: str
    icon: str
    tone: str
    count: int


@dataclass(frozen=True)
class Shown:
    """Verdicts as many as a page has room for, and what is said of them all."""

    cards: list[VerdictCard]
    tallies: list[Tally]
    total: int
    page: Page[Readiness] | None = None  # when all were asked for

    @property
    def more(self) -> int:
        """How many are not among the cards."""
        return self.total - len(self.cards)


def most_pressing(system: System, judged: Sequence[Readiness], most: int = FEW) -> Shown:
    """All in their own order when they are at most *most*; else those that ask for somebody soonest."""
    chosen = list(judged) if len(judged) <= most else sorted(judged, key=_pressing)[:most]
    return Shown([card(system, one) for one in chosen], _tallies(judged), len(judged))


def all_of(system: System, judged: Sequence[Readiness], number: Any) -> Shown:
    """One page of all, in their own order; *number* as it stands in the address."""
    page = Paginator(judged, PAGE).get_page(number)
    return Shown([card(system, one) for one in page], _tallies(judged), len(judged), page)


def _pressing(one: Readiness) -> tuple[bool, int, float]:
    """Production first, then by verdict, then where something happened last."""
    happened = [moment.timestamp() for moment in (one.tested_at, one.deployed_at) if moment]
    return not one.environment.is_production, URGENCY.index(one.verdict), -max(happened, default=0.0)


def _tallies(judged: Sequence[Readiness]) -> list[Tally]:
    found = [one.verdict for one in judged]
    return [Tally(word(one), *MARKS[one], found.count(one)) for one in URGENCY if one in found]


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
