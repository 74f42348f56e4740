"""One step in a session: actions within the time, what the page shows, a picture and a trace of it."""

import asyncio
import contextlib
import time
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from playwright.async_api import Error

from apps.execution.engine.model import Artifact
from apps.execution.engine.settings import BrowserSettings
from apps.execution.executors.base import Observed, SeamError, StepBlocked, StepRequest
from apps.execution.executors.browser_actions import Actions
from apps.execution.executors.browser_reading import Reading
from apps.execution.executors.browser_session import BrowserSession
from apps.execution.executors.urls import without_password

_PICTURE = 8.0  # seconds, and as many for the trace
_WAIT = 5.0
_BETTER_TOLD = 1.5  # seconds in which Playwright says by itself what an action waits for
_NOTICED = 100.0  # milliseconds
_SHOWN = 50  # messages and failed requests in the result
_ENDLESS = "the page does not answer: a script of it may never end"


class BrowserStep:
    """What one step does, once."""

    def __init__(
        self, settings: BrowserSettings, session: BrowserSession, step: StepRequest, request: dict[str, Any]
    ) -> None:
        self._settings = settings
        self._session = session
        self._step = step
        self._params = step.params
        self._observed = Observed(request=request)
        self.ready_ms = 0.0
        """How long it took until there was a window, which is not the page's fault."""

    async def run(self, traceparent: str) -> Observed:
        """Raises ``SeamError`` for an action that failed, ``StepBlocked`` for one that may not be done."""
        session, limit = self._session, self._step.timeout
        session.begin(self._params, traceparent)
        is_traced = await self._begin_trace()
        ends_at = time.monotonic() + limit
        actions = Actions(session, self._params["actions"], ends_at)
        holds, failure = False, ""
        try:
            async with asyncio.timeout(limit + _BETTER_TOLD):
                holds = await self._do(actions, ends_at)
        except TimeoutError:
            failure = self._timed_out(actions)
        except SeamError as error:
            failure = str(error)
        except StepBlocked:
            await self._trace(wanted=False, is_traced=is_traced)
            raise
        self._tell(actions)
        await self._keep(failed=not holds, is_traced=is_traced)
        if failure:
            raise SeamError(failure, self._observed)
        return self._observed

    async def _do(self, actions: Actions, ends_at: float) -> bool:
        """The actions, then looking; whether everything holds."""
        started = time.perf_counter()
        reading = Reading(self._session, self._step.wanted, started)
        await self._session.shape(self._params)
        try:
            await actions.perform()
        except SeamError:
            self._observed.timings["total"] = (time.perf_counter() - started) * 1000
            raise
        left = ends_at - time.monotonic()
        await self._session.settle_downloads(left)
        wait = self._params.get("wait")
        return await reading.until_it_holds(self._observed, min(_WAIT if wait is None else float(wait), left - 0.2))

    def _timed_out(self, actions: Actions) -> str:
        running = next((one for one in actions.done if one["state"] == "failed"), None)
        limit = f"{self._step.timeout:g} s"
        return f"{running['action']} did not end within {limit}" if running else f"{_ENDLESS} (after {limit})"

    def _tell(self, actions: Actions) -> None:
        """What people see of it."""
        session, log = self._session, self._session.log
        subjects = self._observed.subjects
        self._observed.response = {
            "actions": actions.done,
            "url": without_password(session.page.url),
            **({"status": session.status} if session.status is not None else {}),
            **({"title": subjects["title"]} if isinstance(subjects.get("title"), str) else {}),
            "errors": log.errors[:_SHOWN],
            "failed_requests": log.failed()[:_SHOWN],
            "dialogs": log.dialogs[:_SHOWN],
            "downloads": log.downloads[:_SHOWN],
            "request_count": len(log.requests),
            **({"ready_ms": round(self.ready_ms)} if self.ready_ms >= _NOTICED else {}),
        }
        self._observed.notes += session.proxy.refused
        if log.tabs_closed:
            self._observed.notes.append(
                f"{log.tabs_closed} tabs were closed at once: at most {self._settings.tabs} may be open"
            )

    # -- picture and trace -----------------------------------------------------------------------------

    async def _begin_trace(self) -> bool:
        if self._params.get("trace") == "never":
            return False
        with contextlib.suppress(Error):
            await self._session.record()
            return True
        return False

    async def _keep(self, *, failed: bool, is_traced: bool) -> None:
        if _is_asked(self._params.get("screenshot", "always"), failed=failed):
            await self._picture()
        wanted = _is_asked(self._params.get("trace", "on_failure"), failed=failed)
        await self._trace(wanted=wanted, is_traced=is_traced)

    async def _picture(self) -> None:
        try:
            async with asyncio.timeout(_PICTURE):
                picture = await self._session.page.screenshot(timeout=_PICTURE * 1000, animations="disabled")
        except (Error, TimeoutError):
            self._observed.notes.append("there is no picture: the page could not be drawn")
            return
        self._add("screenshot.png", "image/png", picture, self._settings.picture)

    async def _trace(self, *, wanted: bool, is_traced: bool) -> None:
        if not is_traced:
            return
        content = b""
        try:
            async with asyncio.timeout(_PICTURE):
                if wanted:
                    content = await self._recorded()
                else:
                    await self._session.context.tracing.stop_chunk()
        except (Error, OSError, TimeoutError):
            self._observed.notes.append("there is no trace: it could not be written")
            return
        if content:
            self._add("trace.zip", "application/zip", content, self._settings.trace)

    async def _recorded(self) -> bytes:
        with NamedTemporaryFile(prefix="integhub-trace-", suffix=".zip") as file:
            await self._session.context.tracing.stop_chunk(path=file.name)
            return await asyncio.to_thread(_read, Path(file.name), self._settings.trace + 1)

    def _add(self, name: str, media_type: str, content: bytes, limit: int) -> None:
        if len(content) > limit:
            self._observed.notes.append(f"{name} was left out: it is larger than {limit} bytes")
        else:
            self._observed.artifacts.append(Artifact(name, media_type, content))


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _is_asked(when: str, *, failed: bool) -> bool:
    return when == "always" or (when == "on_failure" and failed)
