"""Template tags of runs: the bar of a run's counts, its times, and code in colour."""

import re
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.core.templatetags.ui import state_word
from apps.runs.models import StepResult, TestRun
from apps.runs.pages import progress
from apps.runs.pages.bodies import Body
from apps.runs.pages.execution_page import StepDetail, detail

register = template.Library()

COLOURED = 60_000  # characters of JSON; longer texts stay plain, so that a page stays light
_TOKEN = re.compile(
    r"""(?P<key>"(?:[^"\\\n]|\\.)*")(?=\s*:)|(?P<string>"(?:[^"\\\n]|\\.)*")"""
    r"""|(?P<number>-?\b\d[\d.eE+-]*)|(?P<word>\b(?:true|false|null)\b)"""
)


def _coloured(text: str) -> str:
    parts, last = [], 0
    for match in _TOKEN.finditer(text):
        parts += [escape(text[last : match.start()]), f'<span class="json-{match.lastgroup}">{escape(match[0])}</span>']
        last = match.end()
    return "".join([*parts, escape(text[last:])])


register.filter("state_word", state_word)


@register.filter
def code(body: Body) -> SafeString:
    """The text of *body*, escaped; JSON with its keys and values coloured."""
    if body.is_json and len(body.text) <= COLOURED:
        return mark_safe(_coloured(body.text))  # noqa: S308 (every part is escaped)
    return escape(body.text)


@register.inclusion_tag("runs/bar.html")
def counts_bar(run: TestRun, size: str = "") -> dict[str, Any]:
    """The counts of *run* as one stacked bar, said in words for screen readers; *size* ``large`` on its own page."""
    words = [f"{count} {state_word(state)}" for state, count in progress.counts(run).items()]
    return {"parts": progress.bar(run), "words": ", ".join(words), "size": size, "width": progress.BAR}


@register.simple_tag
def bar_width() -> int:
    """Units of a bar's drawing."""
    return progress.BAR


@register.simple_tag
def run_elapsed(run: TestRun) -> float | None:
    """Milliseconds from the run's start until its end or now."""
    return progress.elapsed_ms(run)


@register.simple_tag
def run_left(run: TestRun) -> float | None:
    """Milliseconds that the run will probably still need; None below a second, which is gone before it is read."""
    left = progress.left_ms(run)
    return left if left and left >= 1000 else None


@register.simple_tag
def outcome_detail(outcome: Mapping[str, Any]) -> StepDetail:
    """A step's outcome that is not kept (the editor tried it), laid out like those that are."""
    names = ("name", "kind", "state", "message", "request", "response", "checks", "captured", "timings")
    step = StepResult(**{name: outcome[name] for name in (*names, "duration_ms", "tries")})
    return detail(step, full=True)
