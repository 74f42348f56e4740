"""One person's browser in a case: a window with tabs and cookies of its own, and everything that happens in it."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Download,
    Error,
    Page,
    Request,
    Response,
    WebError,
)

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.browser_proxy import REFUSED, CheckedProxy
from apps.execution.executors.urls import without_password

_FAVICON = "/favicon.ico"  # asked for by the browser itself, and missing in most places
_MOST = 500  # requests, messages and so on of one step
_LONGEST = 2_000  # characters of one message
_CARRIED = 256 * 1024  # characters of cookies and storage that go on behind a person's step


@dataclass(slots=True)
class Log:
    """What happened since the step began; each list holds what JSON can say."""

    console: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    dialogs: list[dict[str, Any]] = field(default_factory=list)
    downloads: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tabs_closed: int = 0

    def failed(self) -> list[dict[str, Any]]:
        """Requests that were answered with an error, or not at all."""
        return [one for one in self.requests if one.get("failure") or one.get("status", 0) >= 400]


def _add(entries: list[Any], entry: Any) -> None:
    if len(entries) < _MOST:
        entries.append(entry)


class BrowserSession:
    """A context of the browser, the proxy that it reaches the network by, and the tab where actions happen."""

    def __init__(self, settings: EngineSettings, proxy: CheckedProxy, context: BrowserContext) -> None:
        self._settings = settings.browser
        self.proxy = proxy
        self.context = context
        self.page: Page
        self.log = Log()
        self.status: int | None = None
        """Of the document that was loaded last."""
        self.refused = ""
        """Why the document that was loaded last was refused by the proxy."""
        self.accept_dialogs = True
        self.lock = asyncio.Lock()
        """Steps that run beside others take turns."""
        self._begun: dict[Request, tuple[float, dict[str, Any]]] = {}
        self._downloads: list[asyncio.Task[None]] = []
        self._is_recording = False

    @classmethod
    async def open(
        cls, browser: Browser, settings: EngineSettings, params: Mapping[str, Any], carried: Mapping[str, Any] | None
    ) -> Self:
        """A new one; *carried* is what ``carry`` gave before a person's step."""
        proxy = await CheckedProxy(settings.egress, settings.browser.transfer).open()
        try:
            context = await browser.new_context(
                proxy={"server": proxy.url, "bypass": "<-loopback>"},
                ignore_https_errors=params.get("verify") is False,
                locale=params.get("language") or "en-US",
                viewport=_viewport(params),
                storage_state=carried["state"] if carried else None,
                service_workers="block",  # their requests would be in no list
            )
        except BaseException:
            await proxy.close()
            raise
        session = cls(settings, proxy, context)
        session._listen()
        session.page = await context.new_page()
        if carried and carried["url"]:
            with contextlib.suppress(Error):
                await session.page.goto(carried["url"])
        return session

    def begin(self, params: Mapping[str, Any], traceparent: str) -> None:
        """A step begins: what happens from now on is its own."""
        self.log = Log()
        self._downloads = []
        self.proxy.refused.clear()
        self.proxy.traceparent = traceparent
        self.accept_dialogs = params.get("dialogs", "accept") != "dismiss"

    async def record(self) -> None:
        """Begin to record what happens, for a trace of this step."""
        if not self._is_recording:
            self._is_recording = True
            await self.context.tracing.start(snapshots=True, screenshots=True)
        await self.context.tracing.start_chunk()

    async def shape(self, params: Mapping[str, Any]) -> None:
        """Give the window the size that the step asks for."""
        if "width" in params or "height" in params:
            await self.page.set_viewport_size(_viewport(params))

    async def carry(self) -> dict[str, Any] | None:
        """Cookies, storage and address as JSON, to go on behind a person's step; None when that is too much."""
        try:
            state: Any = await self.context.storage_state()
        except Error:
            return None
        if sum(len(str(part)) for part in state.values()) > _CARRIED:
            state = {"cookies": state["cookies"], "origins": []}
        url = self.page.url if self.page.url.startswith(("http://", "https://")) else ""
        return {"state": state, "url": url}

    async def close(self) -> None:
        """Close its tabs and connections."""
        try:
            await self.context.close()
        except Error:  # the browser is gone already
            pass
        finally:
            await self.proxy.close()

    async def settle_downloads(self, limit: float) -> None:
        """Wait until what is being downloaded is there."""
        if self._downloads:
            await asyncio.wait(self._downloads, timeout=max(0.0, limit))

    # -- what happens in it ----------------------------------------------------------------------------

    def _listen(self) -> None:
        on: Any = self.context.on
        on("page", self._on_page)
        on("console", self._on_console)
        on("weberror", self._on_error)
        on("dialog", self._on_dialog)
        on("request", self._on_request)
        on("response", self._on_response)
        on("requestfinished", self._on_finished)
        on("requestfailed", self._on_failed)

    async def _on_page(self, page: Page) -> None:
        """A new tab becomes the one where actions happen; when it closes, an earlier one is it again."""
        if len(self.context.pages) > self._settings.tabs:
            self.log.tabs_closed += 1
            with contextlib.suppress(Error):
                await page.close()
            return
        self.page = page
        on: Any = page.on
        on("download", self._on_download)
        on("close", self._on_close)
        on("crash", lambda _page: _add(self.log.errors, "the page crashed"))

    def _on_close(self, page: Page) -> None:
        left = [one for one in self.context.pages if not one.is_closed()]
        if page is self.page and left:
            self.page = left[-1]

    def _on_console(self, message: ConsoleMessage) -> None:
        text = message.text[:_LONGEST]
        _add(self.log.console, {"type": message.type, "text": text})
        if message.type == "error" and not str(message.location.get("url", "")).endswith(_FAVICON):
            _add(self.log.errors, text)

    def _on_error(self, error: WebError) -> None:
        _add(self.log.errors, str(error.error)[:_LONGEST])

    async def _on_dialog(self, dialog: Dialog) -> None:
        _add(self.log.dialogs, {"type": dialog.type, "message": dialog.message[:_LONGEST]})
        with contextlib.suppress(Error):
            await (dialog.accept() if self.accept_dialogs else dialog.dismiss())

    async def _on_download(self, download: Download) -> None:
        entry = {"name": download.suggested_filename[:200], "url": without_password(download.url)[:_LONGEST]}
        if len(self._downloads) >= _MOST:
            await download.cancel()
            return
        _add(self.log.downloads, entry)
        self._downloads.append(asyncio.ensure_future(_downloaded(download, entry)))

    def _on_request(self, request: Request) -> None:
        entry: dict[str, Any] = {
            "method": request.method,
            "url": without_password(request.url)[:_LONGEST],
            "type": request.resource_type,
        }
        self._begun[request] = (time.perf_counter(), entry)
        _add(self.log.requests, entry)

    def _on_response(self, response: Response) -> None:
        found = self._begun.get(response.request)
        if found is not None:
            found[1]["status"] = response.status
        if _is_document(response.request):
            self.status = response.status
            self.refused = "refused" if REFUSED in response.headers and response.status == 403 else ""

    def _on_finished(self, request: Request) -> None:
        self._over(request)

    def _on_failed(self, request: Request) -> None:
        entry = self._over(request)
        if entry is not None:
            entry["failure"] = str(request.failure or "failed")[:_LONGEST]

    def _over(self, request: Request) -> dict[str, Any] | None:
        began, entry = self._begun.pop(request, (0.0, None))
        if entry is not None:
            entry["ms"] = round((time.perf_counter() - began) * 1000, 1)
        return entry


async def _downloaded(download: Download, entry: dict[str, Any]) -> None:
    try:
        path = await download.path()
        entry["size"] = (await asyncio.to_thread(path.stat)).st_size
        await download.delete()
    except (Error, OSError) as error:
        entry["failure"] = str(error).split("\n")[0][:_LONGEST]


def _is_document(request: Request) -> bool:
    try:
        return request.is_navigation_request() and request.frame.parent_frame is None
    except Error:  # its page is not there yet, or not any more
        return False


def _viewport(params: Mapping[str, Any]) -> Any:
    width, height = (int(params.get(name) or usual) for name, usual in (("width", 1280), ("height", 800)))
    return {"width": min(max(width, 200), 4000), "height": min(max(height, 200), 4000)}


def is_web(url: str) -> bool:
    """Whether *url* is one that a page can be opened at: others would read files of the worker."""
    return urlsplit(url).scheme.lower() in ("http", "https") and bool(urlsplit(url).hostname)
