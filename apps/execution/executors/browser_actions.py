"""What a person does on a page, one action after the other, each with the time that it took."""

import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from playwright.async_api import Error
from playwright.async_api import TimeoutError as PlaywrightTimeout

from apps.catalog.definition.expressions import ExpressionError
from apps.execution.executors.base import SeamError, StepBlocked
from apps.execution.executors.browser_places import find
from apps.execution.executors.browser_session import BrowserSession, is_web

_TELLING = (" is not ", "intercepts pointer events", "did not find")  # lines of its log that say what is in the way
_LONGEST = 200  # characters of what an action says of itself


class ActionFailed(SeamError):
    """An action could not be done; the text says which and why."""


class Actions:
    """The actions of one step. *done* says of each what it was, how it went, and how long it took."""

    def __init__(self, session: BrowserSession, actions: Sequence[Mapping[str, Any]], ends_at: float) -> None:
        self._session = session
        self._actions = actions
        self._ends_at = ends_at
        self.done: list[dict[str, Any]] = [{"action": describe(one), "state": "skipped"} for one in actions]
        self._work: dict[str, Callable[[Any], Awaitable[None]]] = {
            "open": self._open,
            "click": lambda at: self._at(at).click(timeout=self._left),
            "fill": lambda given: self._at(given["at"]).fill(str(given["value"]), timeout=self._left),
            "select": self._select,
            "check": lambda at: self._at(at).check(timeout=self._left),
            "uncheck": lambda at: self._at(at).uncheck(timeout=self._left),
            "press": self._press,
            "hover": lambda at: self._at(at).hover(timeout=self._left),
            "upload": self._upload,
            "wait_for": self._wait_for,
            "go": self._go,
            "tab": self._tab,
        }

    async def perform(self) -> None:
        """Do them all. ``ActionFailed`` at the first that cannot be done, ``StepBlocked`` at one that may not."""
        for number, (action, told) in enumerate(zip(self._actions, self.done, strict=True), 1):
            name = next(iter(action))
            started = time.perf_counter()
            told["state"] = "failed"
            try:
                await self._work[name](action[name])
            except (Error, ExpressionError, ActionFailed) as error:
                raise ActionFailed(f"action {number}, {told['action']}: {self._why(error)}") from None
            finally:
                told["ms"] = round((time.perf_counter() - started) * 1000, 1)
            told["state"] = "passed"

    @property
    def _left(self) -> float:
        """Milliseconds that are left of the step."""
        return max(1.0, (self._ends_at - time.monotonic()) * 1000)

    def _at(self, text: str) -> Any:
        return find(self._session.page, text)

    def _why(self, error: Exception) -> str:
        if isinstance(error, ActionFailed | ExpressionError):
            return str(error)
        return reason(error)

    async def _open(self, url: Any) -> None:
        address = str(url)
        if not is_web(address):
            raise StepBlocked(f"only addresses with http:// or https:// can be opened, not “{address[:_LONGEST]}”")
        session = self._session
        session.refused = ""
        try:
            await session.page.goto(address, timeout=self._left, wait_until="load")
        except Error as error:
            if "Download is starting" in str(error):
                return  # it is not shown
            if "ERR_TUNNEL_CONNECTION_FAILED" in str(error) and session.proxy.refused:
                raise StepBlocked(session.proxy.refused[-1]) from None
            raise
        if session.refused and session.proxy.refused:
            raise StepBlocked(session.proxy.refused[-1])

    async def _select(self, given: Mapping[str, Any]) -> None:
        place, option = self._at(given["at"]), str(given["option"])
        try:
            await place.select_option(label=option, timeout=min(self._left, 1000))
        except PlaywrightTimeout:
            await place.select_option(option, timeout=self._left)  # its value, or it was not there yet

    async def _press(self, given: Mapping[str, Any]) -> None:
        if given.get("at"):
            await self._at(given["at"]).press(str(given["key"]), timeout=self._left)
        else:
            await self._session.page.keyboard.press(str(given["key"]))

    async def _upload(self, given: Mapping[str, Any]) -> None:
        try:
            content = (
                base64.b64decode(given["base64"], validate=True) if "base64" in given else str(given["text"]).encode()
            )
        except binascii.Error:
            raise StepBlocked("the file to choose is not Base64") from None
        name = str(given["filename"]).replace("/", "_")
        file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        await self._at(given["at"]).set_input_files(file, timeout=self._left)

    async def _wait_for(self, given: Mapping[str, Any]) -> None:
        await self._at(given["at"]).first.wait_for(state=given.get("state", "visible"), timeout=self._left)

    async def _go(self, way: str) -> None:
        page = self._session.page
        ways = {"back": page.go_back, "forward": page.go_forward, "reload": page.reload}
        await ways[way](timeout=self._left)

    async def _tab(self, number: int) -> None:
        pages = self._session.context.pages
        if not 1 <= number <= len(pages):
            raise ActionFailed(f"there are {len(pages)} tabs")
        self._session.page = pages[number - 1]
        await self._session.page.bring_to_front()


def describe(action: Mapping[str, Any]) -> str:
    """An action in one line: ``fill label=E-mail: ana@example.test``."""
    name, given = next(iter(action.items()))
    if isinstance(given, Mapping):
        place = str(given.get("at", ""))
        rest = ", ".join(str(given[key]) for key in ("key", "value", "option", "filename", "state") if key in given)
        given = f"{place}{': ' if place and rest else ''}{rest}"
    text = f"{name.replace('_', ' ')} {given}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def reason(error: Exception) -> str:
    """What Playwright says, in one line without its stack of attempts."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    first = lines[0].partition(": ")[2] or lines[0] if lines else type(error).__name__
    log = [line.removeprefix("- ") for line in lines[1:] if line.startswith("- ")]
    if "strict mode violation" in first:
        return f"{first.partition('strict mode violation: ')[2]}; say which one, such as by >> nth=0"
    telling = [line for line in log if any(word in line for word in _TELLING)] or log[:1]
    if isinstance(error, PlaywrightTimeout):
        return f"not within the time of the step: {telling[-1] if telling else first}"
    return first.partition("\n")[0]
