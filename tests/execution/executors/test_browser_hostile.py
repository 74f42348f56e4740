"""Pages that nobody wishes for, addresses that may not be reached, and that nothing of a browser is left."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from apps.execution.engine.model import State
from apps.execution.engine.runner import run_case
from apps.execution.executors.command_process import MARK
from tests.execution.engine.running import case_of, request_for
from tests.execution.executors.browsing import ALLOWED, DENIED, Browsing, step_of
from tests.execution.executors.servers.pages import Site

pytestmark = pytest.mark.browser


def marked(parent: int | None = None) -> dict[int, str]:
    """Processes that carry the mark of a browser started by *parent* (ourselves), with their environments."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environ = (folder / "environ").read_bytes().replace(b"\0", b"\n").decode(errors="replace")
            except OSError:
                continue
            if f"\n{MARK}=" in f"\n{environ}" and f"integhub-browser-{parent or os.getpid()}-" in environ:
                found[int(folder.name)] = environ
    return found


def gone(parent: int | None = None, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while marked(parent) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not marked(parent)


def test_a_page_that_never_loads(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step([{"open": f"{site.url}/never"}], timeout=1)
    assert outcome.state is State.FAILED
    assert "action 1, open" in outcome.message
    assert browsing.step([{"open": site.url}]).state is State.PASSED


def test_redirects_without_end(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step([{"open": f"{site.url}/endless"}])
    assert outcome.state is State.FAILED
    assert "ERR_TOO_MANY_REDIRECTS" in outcome.message


def test_a_page_whose_script_never_ends_takes_only_its_own_case_with_it(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step([{"open": f"{site.url}/spin"}, {"click": "role=button"}], timeout=2)
    assert outcome.state is State.FAILED
    assert browsing.step([{"open": site.url}], expect=[{"check": "title", "equals": "Shop"}]).state is State.PASSED


def test_popups_without_end_are_closed(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step([{"open": f"{site.url}/popups"}, {"tab": 1}], expect=[{"check": "tabs", "at_most": 10}])
    assert outcome.state is State.PASSED, outcome.message
    assert "tabs were closed at once" in json.dumps(outcome.notes)


def test_a_page_of_50_mb_is_shown_unless_that_is_more_than_a_case_may_load(
    chromium_path: str, browsing: Browsing, site: Site
) -> None:
    shown = browsing.step([{"open": f"{site.url}/huge"}], expect=[{"check": "text", "at": "h1", "equals": "Huge"}])
    assert shown.state is State.PASSED, shown.message
    small = Browsing(chromium_path, transfer=5_000_000)
    try:
        cut = small.step([{"open": f"{site.url}/huge"}], timeout=10)
    finally:
        small.close()
    assert "loaded more than 5000000 bytes" in json.dumps(cut.notes)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "chrome://version", "view-source:http://127.0.0.1/", "data:text/html,x"]
)
def test_only_the_web_is_opened(browsing: Browsing, url: str) -> None:
    outcome = browsing.step([{"open": url}])
    assert outcome.state is State.BLOCKED
    assert "only addresses with http" in outcome.message


def denied(site: Site, path: str = "/") -> str:
    return f"http://{DENIED}:{site.port}{path}"


def reached(site: Site) -> list[str]:
    """Paths that were asked for at the denied address."""
    return [path for address, path in site.asked if address == DENIED]


def test_a_denied_address_is_not_opened_and_blocks_the_step(browsing: Browsing, site: Site) -> None:
    for url in (denied(site), denied(site).replace("http", "https"), f"{site.url}/to?url={denied(site)}"):
        outcome = browsing.step([{"open": url}])
        assert outcome.state is State.BLOCKED, url
        assert "may not be reached" in outcome.message
    assert reached(site) == []


def test_metadata_of_clouds_is_denied_by_default(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step([{"open": "http://169.254.169.254/latest/meta-data/"}])
    assert outcome.state is State.BLOCKED
    assert "169.254.169.254 may not be reached" in outcome.message


def test_what_a_page_loads_from_a_denied_address_is_refused_and_said(browsing: Browsing, site: Site) -> None:
    outcome = browsing.step([{"open": f"{site.url}/frames?url={denied(site, '/inside')}"}])
    assert outcome.state is State.PASSED, outcome.message
    assert f"{DENIED} may not be reached" in outcome.notes[0]
    assert {one["status"] for one in outcome.response["failed_requests"]} == {403}
    assert reached(site) == []


def test_a_name_that_changes_its_address_gets_nowhere(
    browsing: Browsing, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["127.0.0.1", DENIED, DENIED]

    async def changing(_loop: Any, host: str, port: int, **_: Any) -> list[Any]:
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        address = address if host == "rebind.test" else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", changing)
    definition = case_of(
        step_of([{"open": f"http://rebind.test:{site.port}/help"}], {"expect": [{"check": "title", "equals": "Help"}]}),
        step_of([{"open": f"http://rebind.test:{site.port}/"}]),
    )
    outcome = browsing.case(definition)
    assert [one.state for one in outcome.steps] == [State.PASSED, State.BLOCKED], outcome.message
    assert reached(site) == []


def test_webrtc_does_not_go_past_the_proxy(browsing: Browsing, site: Site) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((DENIED, 0))
        listening.settimeout(0.1)
        outcome = browsing.step(
            [{"open": f"{site.url}/rtc?port={listening.getsockname()[1]}"}],
            expect=[{"check": "text", "at": "#out", "equals": "tight"}],
        )
        assert outcome.state is State.PASSED, outcome.message
        with pytest.raises(TimeoutError):
            listening.recv(1)


def test_a_cancel_in_the_middle_closes_the_page(browsing: Browsing, site: Site) -> None:
    async def main() -> Any:
        step = step_of([{"open": f"{site.url}/never"}])
        task = asyncio.create_task(run_case(request_for(case_of(step), allowed=ALLOWED), browsing.executors))
        while ("127.0.0.1", "/never") not in site.asked:  # noqa: ASYNC110 - it is served by a thread
            await asyncio.sleep(0.05)
        task.cancel()
        return await task

    assert browsing.runner.run(main()).state is State.CANCELLED
    assert browsing.step([{"open": site.url}]).state is State.PASSED


def test_a_browser_that_was_killed_is_replaced(browsing: Browsing, site: Site) -> None:
    assert browsing.step([{"open": site.url}]).state is State.PASSED
    for pid in marked():
        os.kill(pid, signal.SIGKILL)
    assert browsing.step([{"open": site.url}]).state is State.PASSED


def test_the_environment_of_the_browser_holds_no_keys(
    chromium_path: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTEGHUB_SECRET_KEY", "worker-key")
    made = Browsing(chromium_path)
    try:
        before = set(marked())
        assert made.step([{"open": site.url}]).state is State.PASSED
        own = {pid: environ for pid, environ in marked().items() if pid not in before}
        assert len(own) >= 2
        assert not [environ for environ in own.values() if "worker-key" in environ]
    finally:
        made.close()
    assert not set(own) & set(marked())


def test_it_is_ended_when_it_is_idle(chromium_path: str, site: Site) -> None:
    made = Browsing(chromium_path, idle=0.5)
    before = set(marked())
    try:
        assert made.step([{"open": site.url}]).state is State.PASSED
        deadline = time.monotonic() + 15
        while set(marked()) - before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not set(marked()) - before
        assert made.step([{"open": site.url}]).state is State.PASSED
    finally:
        made.close()


ORPHAN = """
import sys
from tests.execution.executors.browsing import Browsing
made = Browsing(sys.argv[1])
made.step([{"open": sys.argv[2]}])
print("open", flush=True)
made.step([{"open": sys.argv[2] + "/never"}])
"""


def test_it_ends_with_the_process_that_started_it(chromium_path: str, site: Site) -> None:
    command = [sys.executable, "-c", ORPHAN, chromium_path, site.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        assert marked(process.pid)
        process.kill()
    assert gone(process.pid)
