"""A step is tried in the editor on a real worker, against a real server."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import TestSuite
from apps.environments.models import Environment
from apps.systems.models import System
from tests.browser.test_editor import edit, ready
from tests.workers import Worker

Visit = Callable[..., Page]


class Seam(BaseHTTPRequestHandler):
    """Answers with the path it was asked for."""

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "state": "placed"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def seam() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Seam)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_step_is_tried_and_shows_what_came_back(
    visit: Visit,
    shoot: Callable[[Page, str], None],
    axe: Callable[..., None],
    tester: User,
    environment: Environment,
    system: System,
    suite: TestSuite,
    lead: User,
    seam: str,
    tmp_path: Path,
) -> None:
    ask = {
        "name": "Ask",
        "kind": "http",
        "with": {"url": f"{seam}/orders"},
        "expect": [{"check": "json", "at": "$.state", "equals": "paid"}],
        "capture": {"path": "$.path"},
    }
    again = {"name": "Again", "kind": "http", "with": {"url": seam + "{{ path }}/again"}}
    case = services.save_case(system, suite, {"title": "Tried", "steps": [ask, again]}, lead)
    page = ready(visit(edit(case), tester))
    first, second = page.locator("[data-card]").nth(0), page.locator("[data-card]").nth(1)

    with Worker(tmp_path / "worker.log"):
        first.get_by_role("button", name="Try").click()
        expect(first.locator(".try-head [data-state=failed]")).to_be_visible(timeout=20_000)
        expect(first.locator(".try-result")).to_contain_text("placed")
        shoot(page, "editor-tried")
        axe(page)
        first.locator(".ed-check").get_by_label("Value").fill("placed")
        first.get_by_label("URL", exact=True).focus()
        page.keyboard.press("Control+Enter")
        expect(first.locator(".try-head [data-state=passed]")).to_be_visible(timeout=20_000)
        second.get_by_role("button", name="Try").click()
        expect(second.locator(".try-head [data-state=passed]")).to_be_visible(timeout=20_000)
        expect(second.locator(".try-result")).to_contain_text("/orders/again")
