"""A real Chromium against the real ASGI application on the test database.

The server is uvicorn in a thread of the test process, on a free port: pages, live events and the test see the same
(committed) rows, and settings that a test overrides hold for the pages too. Everything a page says on its console,
every uncaught error and every refused resource (Content-Security-Policy) fails the test that opened the page.
"""

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from apps.accounts.models import User
from apps.execution import dispatch
from tests.browser.chromium import FLAGS, find_chromium

# Playwright's event loop lives in the test's thread, where the ORM would refuse to work beside one.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "test-artifacts" / "screenshots"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (1440, 390)
HEIGHT = {1440: 900, 390: 844}
THEMES = ("light", "dark")
STARTS_WITHIN = 20  # seconds
PATIENCE = 20_000  # ms for anything on a page; the machine may be busy

# Colours of a theme that is changed to are there when their transitions have ended; spinners never end.
SETTLED = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const passing = document.getAnimations().filter((one) => one.effect.getComputedTiming().iterations !== Infinity);
  await Promise.allSettled(passing.map((one) => one.finished));
}"""

PASTE = """() => {
    const data = new DataTransfer();
    const bytes = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0]);
    data.items.add(new File([bytes], "image.png", { type: "image/png" }));
    document.querySelector("#runner-note").dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""

Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder is a browser test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(autouse=True)
def _committed_rows(transactional_db: None) -> None:
    """What a test writes is committed, so that the server's own connections see it."""


@pytest.fixture(scope="session")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Address of the running application, e.g. ``http://127.0.0.1:40213``."""
    from integhub.asgi import application

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    runner = uvicorn.Server(uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=runner.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + STARTS_WITHIN
    while not runner.started:
        if time.monotonic() > deadline or not thread.is_alive():
            pytest.fail("The application did not start for the browser tests.")
        time.sleep(0.02)
    yield "http://{}:{}".format(*listening.getsockname())
    runner.should_exit = True
    thread.join(10)
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        # The server's threads keep their connections; the test database could not be dropped.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless; ended with the last test here: Playwright's loop would forbid asyncio.run."""
    executable = find_chromium()
    if executable is None:
        reason = "No Chromium found: set INTEGHUB_CHROMIUM to its path. BROWSER TESTS DID NOT RUN."
        pytest.fail(reason) if os.environ.get("INTEGHUB_REQUIRE_BROWSER") == "1" else pytest.skip(reason)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS, timeout=60_000)
        yield started
        started.close()


class Console:
    """What pages complained about; ``allow(pattern)`` names what a test expects."""

    def __init__(self) -> None:
        self._said: list[str] = []
        # An answer that a later request made worthless (hx-sync) is broken off; what really fails says so as well.
        self._allowed = ["htmx:(afterRequest|sendAbort)"]

    def allow(self, pattern: str) -> None:
        """Complaints that match the regular expression *pattern* are part of the test."""
        self._allowed.append(pattern)

    def allow_lost_connections(self) -> None:
        """The test takes the network or the server away: how a request ends depends on how far it had come."""
        self.allow("net::ERR_|htmx:sendError")

    def watch(self, context: BrowserContext) -> None:
        context.on(
            "console", lambda m: self._said.append(f"{m.text} ({m.page and m.page.url})") if m.type == "error" else None
        )
        context.on("weberror", lambda error: self._said.append(f"uncaught: {error.error}"))

    @property
    def complaints(self) -> list[str]:
        return [text for text in self._said if not any(re.search(pattern, text) for pattern in self._allowed)]


@pytest.fixture
def console() -> Iterator[Console]:
    """Fails the test when a page reported an error that the test does not allow."""
    watched = Console()
    yield watched
    assert watched.complaints == []


@pytest.fixture
def visit(server: str, browser: Browser, console: Console, settings: Any) -> Iterator[Visit]:
    """``visit(path, user=None, width=1440, theme="light", **options)`` → a Page of that user's own browser context."""
    settings.BASE_URL = server
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    contexts: list[BrowserContext] = []

    def open_page(path: str, user: User | None = None, width: int = 1440, theme: str = "light", **more: Any) -> Page:
        context = browser.new_context(
            base_url=server,
            viewport={"width": width, "height": HEIGHT.get(width, 900)},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            locale="en-GB",
            permissions=["clipboard-read", "clipboard-write"],
            **more,
        )
        contexts.append(context)
        console.watch(context)
        context.set_default_timeout(PATIENCE)
        context.set_default_navigation_timeout(30_000)
        if user is not None:
            context.add_cookies([session_cookie(user, server)])
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def session_cookie(user: User, server: str) -> Any:
    """The cookie of a session of *user*, without going through the sign-in page."""
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": server, "httpOnly": True, "sameSite": "Lax"}


@pytest.fixture
def shoot() -> Callable[[Page, str], None]:
    """``shoot(page, "runs-list")``: the whole page at 1440 and 390 px, light and dark; none may overflow sideways."""

    def take(page: Page, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        before = page.viewport_size
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT[width]})
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                page.wait_for_timeout(120)
                page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{theme}.png", full_page=True, timeout=3 * PATIENCE)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{page.url} is {wide} px too wide at {width} px"
        page.emulate_media(color_scheme="light")
        if before:
            page.set_viewport_size(before)

    return take


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """``axe(page)``: no serious or critical accessibility violation, light and dark."""

    def check(page: Page, *, without: tuple[str, ...] = ()) -> None:
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE.read_text(encoding="utf-8"))
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.evaluate(SETTLED)
            found = page.evaluate(
                "without => axe.run({exclude: without.map(selector => [selector])}, {resultTypes: ['violations']})",
                list(without),
            )
            assert _grave(found) == [], f"axe at {page.url} ({theme})"
        page.emulate_media(color_scheme="light")

    return check


def _grave(found: Any) -> list[str]:
    return [
        f"{violation['id']}: {node['html'][:160]} — {node.get('failureSummary', '')[:300]}"
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


@pytest.fixture
def paste() -> Callable[[Page], Any]:
    """``paste(page)`` pastes a picture into the note of the runner."""
    return lambda page: page.evaluate(PASTE)


@pytest.fixture
def unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is begun waits for the test itself, and is not taken by the worker that another test started."""
    monkeypatch.setattr(dispatch, "send", lambda *_, **__: None)
