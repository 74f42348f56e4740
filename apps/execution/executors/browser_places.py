"""From locators as a case writes them to those of Playwright."""

from typing import Any

from playwright.async_api import FrameLocator, Locator, Page

from apps.catalog.definition.locators import Part, parse_attribute, parse_locator

_BY_TEXT = {
    "label": "get_by_label",
    "text": "get_by_text",
    "placeholder": "get_by_placeholder",
    "alt": "get_by_alt_text",
    "title": "get_by_title",
}


def find(page: Page, text: str) -> Locator:
    """What the locator *text* finds on *page*. Raises ``ExpressionError``."""
    return _find(page, parse_locator(text))


def find_attribute(page: Page, text: str) -> tuple[Locator, str]:
    """Locator and name of an attribute. Raises ``ExpressionError``."""
    parts, name = parse_attribute(text)
    return _find(page, parts), name


def _find(page: Page, parts: tuple[Part, ...]) -> Locator:
    here: Any = page
    for part in parts:
        here = _within(here, part)
    if isinstance(here, FrameLocator):  # the frame itself was asked for
        return here.owner
    found: Locator = here
    return found


def _within(here: Any, part: Part) -> Any:
    if part.by in _BY_TEXT:
        return getattr(here, _BY_TEXT[part.by])(part.value, exact=part.exact)
    if part.by == "role":
        return (
            here.get_by_role(part.value, name=part.name, exact=part.exact)
            if part.name
            else here.get_by_role(part.value)
        )
    if part.by == "test_id":
        return here.get_by_test_id(part.value)
    if part.by == "frame":
        return here.frame_locator(f"css={part.value}")
    if part.by == "nth":
        return (here if hasattr(here, "nth") else here.locator("css=*")).nth(int(part.value))
    return here.locator(f"css={part.value}")
