"""The Chromium of one event loop: started when a case needs it, kept for the next one, and always ended.

Playwright's driver (node) starts it and ends it when our end of the pipe closes, also when this process is killed. Both
carry a mark in their environment, which is otherwise clean: it must not hold the keys of IntegHub.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright._impl import transport
from playwright.async_api import Browser, Error, Playwright, async_playwright

from apps.execution.engine.settings import BrowserSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.command_process import MARK, is_marked_left, kill_marked

log = logging.getLogger(__name__)

_LAUNCH = 60.0  # seconds
_CLOSE = 5.0
_FOLDER = "integhub-browser-"
_FLAGS = (
    "--proxy-server=http://127.0.0.1:9",  # each session has a proxy of its own; what has none reaches nobody
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # whatever goes past the proxy finds no address
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--dns-prefetch-disable",
    "--disable-quic",
    "--disable-dev-shm-usage",  # containers have little of it
    "--disable-gpu",
)
_NO_SANDBOX = "sandbox"


class BrowserProcess:
    """One Chromium, shared by the sessions of the cases that run on this loop."""

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._users = 0
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._folder: Path | None = None
        self._mark = ""
        self._guard = threading.Lock()  # between the loop and the reaper
        self._reaper: threading.Timer | None = None

    async def acquire(self) -> Browser:
        """The running browser, for one session. Raises ``StepBlocked`` where there can be none."""
        async with self._lock:
            with self._guard:
                self._users += 1
            try:
                if not await self._is_alive():
                    await self._end()
                    await self._begin()
            except BaseException:
                self.release()
                raise
            assert self._browser is not None  # noqa: S101
            return self._browser

    async def _is_alive(self) -> bool:
        """Whether the browser still does what it is told: its processes may be there and already ending."""
        if self._browser is None or not await asyncio.to_thread(is_marked_left, self._mark):
            return False
        try:
            async with asyncio.timeout(_CLOSE):
                await (await self._browser.new_browser_cdp_session()).detach()
        except (Error, TimeoutError):
            return False
        return True

    def release(self) -> None:
        """A session has ended. When none is left, the browser is kept for a while.

        A thread ends it then: between two tasks of a worker the loop stands still.
        """
        with self._guard:
            self._users -= 1
            if self._reaper is not None:
                self._reaper.cancel()
            self._reaper = threading.Timer(self._settings.idle, self._reap)
            self._reaper.daemon = True
            self._reaper.start()

    def _reap(self) -> None:
        with self._guard:
            if self._users == 0 and self._folder is not None:
                kill_marked(self._mark)
                shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """End it at once, whoever uses it: the next case gets a new one."""
        kill_marked(self._mark)

    async def _begin(self) -> None:
        if not self._settings.executable:
            raise StepBlocked(
                "there is no Chromium on the worker: apt-get install chromium, or name one in INTEGHUB_CHROMIUM"
            )
        self._folder = await asyncio.to_thread(_new_folder)
        self._mark = uuid.uuid4().hex
        try:
            with _driver_environment(self._environment()):
                self._playwright = await async_playwright().start()
            self._browser = await self._launch(sandbox=os.geteuid() != 0)
        except (Error, OSError) as error:
            await self._end()
            raise StepBlocked(
                f"the browser {self._settings.executable} cannot be started: {_first_line(error)}"
            ) from None
        except BaseException:
            await asyncio.shield(self._end())
            raise

    async def _launch(self, *, sandbox: bool) -> Browser:
        assert self._playwright is not None  # noqa: S101
        options: dict[str, Any] = {
            "executable_path": self._settings.executable,
            "args": list(_FLAGS),
            "env": self._environment(),
            "timeout": _LAUNCH * 1000,
            "handle_sigint": False,
            "handle_sigterm": False,
            "handle_sighup": False,
        }
        try:
            return await self._playwright.chromium.launch(**options, chromium_sandbox=sandbox)
        except Error as error:
            if not sandbox or _NO_SANDBOX not in str(error):
                raise
            log.warning("Chromium runs without its sandbox: this system does not let ordinary users make one")
            return await self._playwright.chromium.launch(**options, chromium_sandbox=False)

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.defpath,
            "HOME": folder,
            "TMPDIR": folder,
            "LANG": "C.UTF-8",
            MARK: self._mark,
        }

    async def _end(self) -> None:
        """Ask it to end, then see to it."""
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        mark, self._mark = self._mark, ""
        folder, self._folder = self._folder, None
        with contextlib.suppress(Exception):  # it may be gone already; what is left of it is killed
            async with asyncio.timeout(_CLOSE):
                if browser is not None:
                    await browser.close()
                if playwright is not None:
                    await playwright.stop()
        if mark:
            await asyncio.to_thread(kill_marked, mark)
        if folder is not None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def aclose(self) -> None:
        """End the browser."""
        if self._reaper is not None:
            self._reaper.cancel()
        async with self._lock:
            await self._end()


def _new_folder() -> Path:
    """A folder for the browser's profile; those that processes left which were killed are removed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        owner = left.name.removeprefix(_FOLDER).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))


@contextlib.contextmanager
def _driver_environment(environment: dict[str, str]) -> Iterator[None]:
    """Let Playwright start its driver with *environment* instead of a copy of ours.

    It has no public way to say so. A test looks at what the driver really gets.
    """
    usual = getattr(transport, "get_driver_env")  # noqa: B009 - it is not exported
    shown = {"PW_LANG_NAME": "python", "PW_LANG_NAME_VERSION": f"{sys.version_info.major}.{sys.version_info.minor}"}
    setattr(transport, "get_driver_env", lambda: environment | shown)  # noqa: B010
    try:
        yield
    finally:
        setattr(transport, "get_driver_env", usual)  # noqa: B010


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
