"""Markdown of comments and manual steps, rendered and then sanitised."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)
_TAGS = set(nh3.ALLOWED_TAGS) - {"img", "map", "area"}


def render(text: str) -> SafeString:
    """Safe HTML of *text*; raw HTML in it is shown as text, links get rel=noopener."""
    return mark_safe(nh3.clean(_MARKDOWN.render(text), tags=_TAGS))  # noqa: S308 (sanitised on this line)
