"""Markdown of comments and manual steps, rendered and then sanitised."""

from functools import lru_cache

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline

from apps.core.validation import LONGEST_TEXT

# Every “[” makes the parser look for its “]” again, up to twenty deep. A text full of links needs some thousand looks.
MOST_LOOKS = 20_000
_KEPT = 128  # texts: pages show the same ones again and again
_TAGS = set(nh3.ALLOWED_TAGS) - {"img", "map", "area"}


def render(text: str) -> SafeString:
    """Safe HTML of *text*; raw HTML in it is shown as text, links get rel=noopener.

    What is too long or too intricate to be formatted is shown as it was written, and says so.
    """
    html = _rendered(text)
    if html is not None:
        return mark_safe(html)  # noqa: S308 (sanitised when it was rendered)
    note = _("Shown as it was written: too long, or too many brackets, to be formatted.")
    return format_html('<p class="text-secondary">{}</p><pre class="code code-wrap" tabindex="0">{}</pre>', note, text)


@lru_cache(_KEPT)
def _rendered(text: str) -> str | None:
    if len(text) > LONGEST_TEXT:
        return None
    try:
        return nh3.clean(_MARKDOWN.render(text, {"looks": 0}), tags=_TAGS)
    except _TooIntricate:
        return None


class _TooIntricate(Exception):
    pass


class _BoundedParser(ParserInline):
    """Gives up on a text that needs more looks ahead than a page can wait for."""

    def skipToken(self, state: StateInline) -> None:  # noqa: N802 (the parser's own name)
        state.env["looks"] += 1
        if state.env["looks"] > MOST_LOOKS:
            raise _TooIntricate
        super().skipToken(state)


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    made.enable(["table", "strikethrough"])
    bounded = _BoundedParser()
    bounded.ruler, bounded.ruler2 = made.inline.ruler, made.inline.ruler2
    made.inline = bounded
    return made


_MARKDOWN = _parser()
