"""Pages in a real browser: actions, and what the page shows afterwards."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from playwright.async_api import Error

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, StepBlocked, StepContext, StepRequest
from apps.execution.executors.browser_process import BrowserProcess
from apps.execution.executors.browser_session import BrowserSession
from apps.execution.executors.browser_step import BrowserStep
from apps.execution.executors.sessions import CaseSession

log = logging.getLogger(__name__)

_SESSIONS = "browser"  # in the case's session
_CLOSING = 5.0  # seconds


class BrowserExecutor:
    """One Chromium for all cases of this loop; each case has windows of its own, which its steps share."""

    kind: ClassVar[str] = "browser"
    grace: ClassVar[float] = 90.0
    """It keeps its time itself; before that Chromium may have to start, and behind it come picture and trace."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._process = BrowserProcess(settings.browser)

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it; the actions stand in the response, with how they went."""
        return {name: params[name] for name in ("session", "language", "width", "height") if params.get(name)}

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Do the actions, look at the page, take the picture."""
        asked = time.perf_counter()
        try:
            session = await self._of_case(context.session).find(step.params)
        except Error as error:
            raise StepBlocked(f"the browser did not open a window: {str(error).split(chr(10))[0]}") from None
        async with session.lock:
            work = BrowserStep(self._settings.browser, session, step, self.describe(step.params))
            work.ready_ms = (time.perf_counter() - asked) * 1000
            return await work.run(context.traceparent)

    def _of_case(self, session: CaseSession) -> "_CaseSessions":
        found: _CaseSessions | None = session.held.get(_SESSIONS)
        if found is None:
            found = session.held[_SESSIONS] = _CaseSessions(self._settings, self._process, session)
        return found

    async def aclose(self) -> None:
        """End the browser."""
        await self._process.aclose()


class _CaseSessions:
    """The browser sessions of one case, by name; closed with it, and opened anew behind a person's step."""

    def __init__(self, settings: EngineSettings, process: BrowserProcess, case: CaseSession) -> None:
        self._settings = settings
        self._process = process
        self._case = case
        self._open: dict[str, BrowserSession] = {}
        self._opening = asyncio.Lock()
        case.at_end(self._close)
        case.at_pause(self._pause)

    async def find(self, params: Mapping[str, Any]) -> BrowserSession:
        """The session that the step names. Raises ``StepBlocked`` when there can be none."""
        name = str(params.get("session") or "")
        async with self._opening:
            if name not in self._open:
                if len(self._open) >= self._settings.browser.sessions:
                    raise StepBlocked(f"one case may have {self._settings.browser.sessions} browser sessions")
                self._open[name] = await self._begin(params, self._case.carried.get(_SESSIONS, {}).get(name))
            return self._open[name]

    async def _begin(self, params: Mapping[str, Any], carried: Mapping[str, Any] | None) -> BrowserSession:
        browser = await self._process.acquire()
        try:
            return await BrowserSession.open(browser, self._settings, params, carried)
        except BaseException:
            self._process.release()
            raise

    async def _pause(self) -> None:
        """Cookies, storage and address go on; the pages themselves cannot."""
        kept = {name: await session.carry() for name, session in self._open.items()}
        self._case.carried[_SESSIONS] = {name: state for name, state in kept.items() if state}
        await self._close()

    async def _close(self) -> None:
        """A page that does not let itself be closed takes its browser with it."""
        while self._open:
            session = self._open.popitem()[1]
            try:
                async with asyncio.timeout(_CLOSING):
                    await session.close()
            except TimeoutError:
                log.warning("a page could not be closed: its browser is ended")
                self._process.kill()
            finally:
                self._process.release()
