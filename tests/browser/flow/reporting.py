"""What the pages say in the end, and the same work done by a program."""

import json
import os
import re
import shutil
import subprocess
import time
from typing import Any
from urllib.request import Request, urlopen

from playwright.sync_api import expect

from tests.browser.flow.walk import Walk
from tests.workers import ROOT

RUN_WITHIN = 120  # seconds
HEALTH = {
    "title": "The notifier is there",
    "tags": ["smoke"],
    "steps": [{"name": "Ask it", "kind": "http", "with": {"url": "{{ NOTIFIER_URL }}/health"}}],
}


def see_the_dashboard(walk: Walk) -> None:
    """Verdicts with their reasons, the chart, the seams that fail, the defect, what waits, what happened."""
    page = walk.go("")
    expect(page.get_by_text("Not ready")).to_be_visible()
    expect(page.get_by_text("important cases fail")).to_be_visible()
    expect(page.get_by_role("heading", name="Waiting for you")).to_be_visible()
    expect(page.locator("canvas[data-chart=days]")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("D1")
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"\d ms|\d s"))
    walk.look("dashboard")
    page = walk.go("map/")
    expect(page.locator(".map-legend")).to_contain_text("Failed 2")
    walk.look("map")
    walk.go("points/storefront-orders-create/")
    walk.look("point")
    walk.go("performance/")
    walk.look("performance")
    walk.go("cases/")
    walk.look("cases")


def work_by_program(walk: Walk) -> None:
    """With a token made in the browser: a case, a run, its results, the defects; then README.md's own calls."""
    page = walk.page
    page.goto("/account/tokens/")
    page.get_by_label("Name").fill("Pipeline")
    page.get_by_label("Scope").select_option("write")
    page.get_by_role("button", name="Make a token").click()
    token = page.locator("#fresh-token").inner_text()
    walk.look("tokens")

    suite = _call(walk, token, "suites/?system=shop")["results"][0]["id"]
    case = _call(walk, token, "cases/", {"system": "shop", "suite": suite, "definition": HEALTH})
    run = _call(walk, token, "runs/", {"system": "shop", "environment": "local", "plan": "smoke"})
    deadline = time.monotonic() + RUN_WITHIN
    while (state := _call(walk, token, f"runs/{run['id']}/"))["phase"] not in ("finished", "cancelled"):
        assert time.monotonic() < deadline, f"the run did not end: {state}"
        time.sleep(0.2)
    assert (state["verdict"], state["done"]) == ("passed", state["total"]), state
    results = _call(walk, token, f"executions/?run={run['id']}&case={case['number']}")["results"]
    assert [result["state"] for result in results] == ["passed"]
    known = _call(walk, token, "defects/?system=shop&state=reopened")["results"]
    assert [defect["key"] for defect in known] == ["D1"]
    _follow_the_readme(walk, token)


def _call(walk: Walk, token: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{walk.stage.url}/api/v1/{path}", data, headers), timeout=60) as answer:
        return json.load(answer)


def _follow_the_readme(walk: Walk, token: str) -> None:
    """Its commands, as they are written there; only the address is another."""
    if shutil.which("curl") is None:
        return
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    commands = next(block for block in blocks if "API=" in block).replace("http://127.0.0.1:8000", walk.stage.url)
    done = subprocess.run(
        ["sh", "-eu", "-c", commands],
        env=os.environ | {"TOKEN": token},
        capture_output=True,
        text=True,
        timeout=RUN_WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"phase":"finished"' in done.stdout
    # The first of the two that fail may be the one that has a defect already; no other answer was a problem.
    problems = set(re.findall(r"urn:integhub:[\w-]+", done.stdout))
    assert problems <= {"urn:integhub:defect-open"}, done.stdout
    unsolved = json.loads(done.stdout[done.stdout.rindex('{"next"') :])["results"]
    assert [defect["key"] for defect in unsolved] == (["D1"] if problems else ["D2", "D1"])
