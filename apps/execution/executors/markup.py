"""The subject ``xml`` of kinds whose messages may be XML or HTML."""

from typing import Any

from apps.catalog.definition.xpath import parse_markup
from apps.execution.executors.base import NotObserved


def markup(text: str | None, content_type: str, what: str = "the body") -> Any:
    """The document in *text*, for XPath; *what* is its name for people. Raises ``NotObserved``."""
    if text is None:
        raise NotObserved(f"{what} is not XML or HTML: it is not text")
    is_html = "html" in content_type and "xhtml" not in content_type
    try:
        return parse_markup(text, is_html=is_html)
    except ValueError as error:
        raise NotObserved(f"{what} is not {'HTML' if is_html else 'XML'}: {error}") from None
