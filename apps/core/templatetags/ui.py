"""Template tags of the design system: icons, state marks, history strips, durations, times."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from math import ceil
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.template.context import RequestContext
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from apps.core import markdown
from apps.core.states import BY_LETTER, MARKS, STRIP, State

register = template.Library()


FRAME = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'  # invisible; every Tabler icon has it


@lru_cache(maxsize=512)
def _svg(name: str) -> str:
    path = settings.ICONS_DIR / "outline" / f"{name}.svg"
    drawing = path.read_text(encoding="utf-8")
    inner = drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.rindex("</svg>")]
    return re.sub(r">\s+<", "><", inner.replace(FRAME, "").strip()).replace(" />", "/>")


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """Inline SVG of the Tabler icon *name*; decorative unless *label* says what it means."""
    aria = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    drawing = mark_safe(_svg(name))  # noqa: S308 (a file of a pinned package)
    return format_html('<svg class="{}" viewBox="0 0 24 24" {}>{}</svg>', f"icon {css}".strip(), aria, drawing)


def state_word(state: str) -> str:
    """The word people read for *state*."""
    return str(State(state).label) if state in State.values else _("Unknown")


@register.simple_tag
def state_mark(state: str, text: str = "") -> SafeString:
    """Icon, word and colour of *state*: never colour alone."""
    mark = MARKS.get(state, MARKS["unknown"])
    return format_html(
        '<span class="mark mark-{}" data-state="{}">{} {}</span>',
        mark.tone,
        state or "unknown",
        icon(mark.icon),
        text or state_word(state),
    )


@register.simple_tag
def state_icon(state: str) -> SafeString:
    """Icon of *state* alone, named for screen readers and on hover."""
    mark = MARKS.get(state, MARKS["unknown"])
    word = state_word(state)
    return format_html(
        '<span class="mark mark-{} mark-only" data-state="{}" title="{}">{}</span>',
        mark.tone,
        state or "unknown",
        word,
        icon(mark.icon, word),
    )


@register.simple_tag
def history_strip(letters: str) -> SafeString:
    """The last 20 results as bars, oldest first; *letters* as in ``apps.core.states.LETTERS``."""
    states = [BY_LETTER.get(letter, "unknown") for letter in letters[-STRIP:]]
    counts = ", ".join(f"{number} {state_word(state)}" for state, number in Counter(states).most_common())
    summary = _("Last results: %(counts)s") % {"counts": counts} if states else _("No results yet")
    bars = format_html_join("", '<i class="bar-{}"></i>', ((MARKS[s].tone,) for s in states))
    return format_html('<span class="strip" role="img" title="{}">{}</span>', summary, bars)


@register.filter
def humane(milliseconds: float | None) -> str:
    """Duration for people: ``184 ms``, ``2.4 s``, ``2 m 14 s``, ``1 h 3 m``."""
    if milliseconds is None:
        return "–"
    if round(milliseconds) < 1000:
        return f"{formats.number_format(round(milliseconds, 1) if milliseconds < 10 else round(milliseconds))} ms"
    seconds = milliseconds / 1000
    if round(seconds, 1) < 60:
        return f"{formats.number_format(round(seconds, 1))} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} m"


@register.simple_tag
def ago(moment: Any) -> SafeString:
    """Relative time with the exact time on hover."""
    if moment is None:
        return mark_safe("–")
    seconds = (timezone.now() - moment).total_seconds()
    text = _("just now") if seconds < 60 else _("%(time)s ago") % {"time": timesince(moment, depth=1)}
    exact = formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', moment.isoformat(), exact, text)


@register.filter
def markdown_html(text: str) -> SafeString:
    """Sanitised HTML of Markdown *text*."""
    return markdown.render(text)


@register.simple_tag(takes_context=True)
def with_query(context: RequestContext, **changes: Any) -> str:
    """The present query string with *changes*; None removes a parameter. Filters live in the URL."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.simple_tag(takes_context=True)
def turn_to(context: RequestContext, number: int, parameter: str) -> str:
    """The present query string with page *number* of the list whose page stands in *parameter*."""
    return with_query(context, **{parameter: number})


@register.filter
def lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    """Value of *key* in *mapping*, or None."""
    return mapping.get(key)


@register.filter
def is_word(value: Any, word: str) -> bool:
    """Whether *value* is *word*; for ``{% include … with active=section|is_word:"runs" %}``."""
    return bool(value == word)


@register.filter
def minutes(seconds: float) -> int:
    """Whole minutes, rounded up."""
    return ceil(seconds / 60)


@register.filter
def same_site(address: str | None, request: HttpRequest) -> str:
    """*address* when it is a page of ours, else the start page: a Referer is not to be trusted."""
    known = url_has_allowed_host_and_scheme(address or "", {request.get_host()}, require_https=request.is_secure())
    return (address or "/") if known else "/"
