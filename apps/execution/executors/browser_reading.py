"""What a page shows: looked at again until everything that is checked holds, or the time for it is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Error, Locator

from apps.catalog.definition.expressions import ExpressionError
from apps.execution.executors.base import NotObserved, Observed, Wanted
from apps.execution.executors.browser_places import find, find_attribute
from apps.execution.executors.browser_session import BrowserSession

_EVERY = (0.05, 0.1, 0.2, 0.4)  # seconds between looks; the last one goes on
_NO_PAGE = "no page was opened yet: begin with the action “open”"

# At most 1,000 elements, 100,000 characters each.
_TEXT = """all => all.slice(0, 1000).map(one =>
    (one.innerText ?? one.textContent ?? "").slice(0, 100000).replace(/[ \\t\\u00a0]+/g, " ").trim())"""
_VALUE = """all => all.slice(0, 1000).map(one => one.value ?? null).filter(one => one !== null)
    .map(one => String(one).slice(0, 100000))"""
_ATTRIBUTE = """(all, name) => all.slice(0, 1000).map(one => one.getAttribute(name)).filter(one => one !== null)
    .map(one => one.slice(0, 100000))"""
_CHECKED = """all => all.slice(0, 1000).map(one => one.checked ?? one.getAttribute("aria-checked") === "true")"""
_ENABLED = """all => all.slice(0, 1000)
    .map(one => !one.matches(":disabled") && one.getAttribute("aria-disabled") !== "true")"""


async def _evaluated(found: Locator, script: str) -> list[Any]:
    values: list[Any] = await found.evaluate_all(script)
    return values


_READ: dict[str, Callable[[Locator], Awaitable[list[Any]]]] = {
    "text": lambda found: _evaluated(found, _TEXT),
    "value": lambda found: _evaluated(found, _VALUE),
    "checked": lambda found: _evaluated(found, _CHECKED),
    "enabled": lambda found: _evaluated(found, _ENABLED),
}


class Reading:
    """Looks at what *wanted* names, on the tab where the actions happened."""

    def __init__(self, session: BrowserSession, wanted: Wanted, started: float) -> None:
        self._session = session
        self._wanted = wanted
        self._started = started

    async def until_it_holds(self, observed: Observed, seconds: float) -> bool:
        """Fill *observed*, at most for so long; whether everything holds."""
        ends_at = time.monotonic() + seconds
        looks = 0
        while True:
            is_read = await self.once(observed)
            if is_read and self._wanted.holds(observed):
                return True
            pause = _EVERY[min(looks, len(_EVERY) - 1)]
            if time.monotonic() + pause > ends_at:
                return False
            looks += 1
            await asyncio.sleep(pause)

    async def once(self, observed: Observed) -> bool:
        """One look; False when the page went away meanwhile, so that not everything could be seen."""
        subjects: dict[str, Any] = self._at_hand()
        observed.timings["total"] = (time.perf_counter() - self._started) * 1000
        subjects["duration"] = round(observed.timings["total"], 3)
        observed.subjects = subjects
        try:
            subjects["title"] = await self._session.page.title()
            for name, at in self._wanted.places:
                if name in ("text", "visible", "count", "value", "checked", "enabled", "attribute"):
                    await self._look(subjects, name, at)
        except Error:
            return False
        return True

    def _at_hand(self) -> dict[str, Any]:
        """What is known without asking the page."""
        session, log = self._session, self._session.log
        return {
            "url": session.page.url,
            "status": _missing if session.status is None else session.status,
            "console": list(log.console),
            "errors": list(log.errors),
            "requests": list(log.requests),
            "failed_requests": log.failed(),
            "dialogs": list(log.dialogs),
            "downloads": list(log.downloads),
            "tabs": len(session.context.pages),
            **{name: {} for name in ("text", "visible", "count", "value", "checked", "enabled", "attribute")},
        }

    async def _look(self, subjects: dict[str, Any], name: str, at: str) -> None:
        page = self._session.page
        try:
            if name == "attribute":
                found, attribute = find_attribute(page, at)
                subjects[name][at] = await found.evaluate_all(_ATTRIBUTE, attribute)
                return
            found = find(page, at or "body")
        except ExpressionError as error:
            subjects[name] = _Unreadable(str(error))
            return
        if name == "count":
            subjects[name][at] = [await found.count()]
        elif name == "visible":
            subjects[name][at] = [await found.filter(visible=True).count() > 0]
        else:
            subjects[name][at] = await _READ[name](found)


def _missing() -> Any:
    raise NotObserved(_NO_PAGE)


class _Unreadable:
    """Stands for a subject whose locator only the variables of this execution made wrong."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __call__(self) -> Any:
        raise NotObserved(f"the locator cannot be read: {self._why}")
