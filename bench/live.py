"""How long a result takes to an open page of its run, at 2,000 results a second, and what it costs the browser."""

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from bench.report import Figure, Goal, Report
from integhub.runtime import chromium, ports
from integhub.runtime.embedded import servers
from integhub.runtime.layout import ROOT, Layout
from integhub.runtime.locks import exclusive

GOAL = 300.0  # ms, p95
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WATCH = """() => {
    const seen = (window.seen = { done: [], rows: [], long: [] });
    const now = () => performance.timeOrigin + performance.now();
    let last = -1;
    const look = () => {
        const done = Number(document.querySelector("#progress .progress-done b")?.textContent);
        if (done !== last) seen.done.push([now(), (last = done)]);
        for (const mark of document.querySelectorAll("#executions tbody tr .mark")) {
            const row = mark.closest("tr");
            const state = mark.dataset.state;
            const id = row.querySelector("a").pathname.match(/(\\d+)\\/$/)[1];
            if (known.get(id) !== state) { known.set(id, state); seen.rows.push([now(), Number(id), state]); }
        }
    };
    const known = new Map();
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((one) => one.duration)))
        .observe({ type: "longtask" });
}"""


@dataclass
class Heard:
    """What an observer saw: [time (s), results so far], pieces and bytes."""

    done: list[tuple[float, int]] = field(default_factory=list)
    events: int = 0
    size: int = 0


@dataclass(frozen=True)
class Recorded:
    """What was recorded: for each batch its commit (s) and the results so far; for each execution its commit."""

    commits: list[tuple[float, int]]
    of: dict[int, float]

    @property
    def rate(self) -> float:
        """Results a second."""
        return (self.commits[-1][1] - self.commits[0][1]) / (self.commits[-1][0] - self.commits[0][0])

    def latencies(self, seen: Sequence[tuple[float, int]]) -> list[float]:
        """Milliseconds from the commit of each result until it is among those that were *seen*; sorted."""
        counts, spent = [done for _, done in seen], []
        before = 0
        for at, done in self.commits:
            place = bisect_left(counts, done)
            spent += [(seen[place][0] - at) * 1000 if place < len(seen) else float("inf")] * (done - before)
            before = done
        return sorted(spent)


def main(argv: Sequence[str]) -> Report:
    """Takes about a minute. ``--rate`` results a second, for ``--seconds``."""
    parser = argparse.ArgumentParser(prog="script/bench live")
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=15)
    options = parser.parse_args(argv)
    with (
        tempfile.TemporaryDirectory(prefix="integhub-live-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        layout = Layout(Path(folder) / "data")
        layout.make()
        stack.enter_context(exclusive(layout.lock))
        environment = stack.enter_context(servers(layout)).environment
        run: dict[str, Any] = json.loads(_manage(environment, "prepare", str(options.rate * options.seconds)))
        base = stack.enter_context(_web(environment, layout))
        return _measure(environment, base, run, options.rate)


def _measure(environment: dict[str, str], base: str, run: dict[str, Any], rate: int) -> Report:
    heard, over = Heard(), threading.Event()
    reader = threading.Thread(
        target=_read, args=(f"{base}/live/s/live/runs/1/", run["cookie"], heard, over), daemon=True
    )
    reader.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        context = browser.new_context()
        context.add_cookies([{"name": "integhub_session", "value": run["cookie"], "url": base}])
        page = context.new_page()
        traffic = _traffic(context.new_cdp_session(page))
        page.goto(f"{base}/s/live/runs/1/")
        page.wait_for_selector("body[data-live-state=open]", state="attached")
        page.evaluate(WATCH)
        traffic.clear()
        recording = subprocess.Popen(
            [sys.executable, "-m", "bench.recording", "record", str(rate)],
            env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert recording.stdout is not None
        while not select.select([recording.stdout], [], [], 0)[0]:
            page.wait_for_timeout(200)
        told = json.loads(recording.stdout.readline())
        recording.wait()
        page.wait_for_timeout(4_000)
        seen = page.evaluate("window.seen")
        browser.close()
    over.set()
    commits = [(at, done) for at, done in told["commits"]]
    of = {int(pk): at for pk, at in told["of"].items()}
    return _report(Recorded(commits, of), heard, seen, traffic)


@contextmanager
def _web(environment: dict[str, str], layout: Layout) -> Iterator[str]:
    port = ports.keep(layout.data / "web.json", ("web",))["web"]
    base = f"http://127.0.0.1:{port}"
    with (layout.logs / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "integhub.asgi:application", "--port", str(port), "--no-access-log"],
            env=environment | {"INTEGHUB_BASE_URL": base}, cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{base}/health/", timeout=5).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError((layout.logs / "web.log").read_text()[-3000:]) from None
                time.sleep(0.1)
        yield base
    finally:
        process.kill()
        process.wait(10)


def _manage(environment: dict[str, str], *words: str) -> str:
    for command in ([str(ROOT / "manage.py"), "migrate", "-v", "0"], ["-m", "bench.recording", *words]):
        done = subprocess.run(
            [sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
    return done.stdout.strip().splitlines()[-1]


def _read(url: str, cookie: str, heard: Heard, over: threading.Event) -> None:
    """A plain reader of the stream, until the run has ended."""
    request = urllib.request.Request(url, headers={"Cookie": f"integhub_session={cookie}"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        name = b""
        for line in answer:
            if over.is_set():
                return
            heard.size += len(line)
            if line.startswith(b"event: "):
                heard.events += 1
                name = line[7:].strip()
            if line.startswith(b"data: ") and name == b"progress":
                heard.done.append((time.time(), json.loads(line[6:])["done"]))


def _traffic(session: Any) -> dict[str, int]:
    """Requests and bytes of a page, counted from now on."""
    counts: dict[str, int] = {}

    def add(name: str, number: int) -> None:
        counts[name] = counts.get(name, 0) + number

    session.send("Network.enable")
    session.on("Network.requestWillBeSent", lambda _: add("requests", 1))
    session.on("Network.dataReceived", lambda event: add("bytes", event["dataLength"]))
    session.on("Network.eventSourceMessageReceived", lambda event: add("events", 1))
    return counts


def share(values: Sequence[float], part: float) -> float:
    """The value below which *part* of the sorted *values* lie."""
    return values[min(int(len(values) * part), len(values) - 1)]


def _report(recorded: Recorded, heard: Heard, seen: dict[str, Any], traffic: dict[str, int]) -> Report:
    stream = recorded.latencies(heard.done)
    page = recorded.latencies([(at / 1000, done) for at, done in seen["done"]])
    rows = sorted(
        at - recorded.of[pk] * 1000 for at, pk, state in seen["rows"] if state == "passed" and pk in recorded.of
    )
    seconds = recorded.commits[-1][0] - recorded.commits[0][0]
    table: list[tuple[Figure, ...]] = [
        (name, len(values), *(round(share(values, part), 1) for part in (0.5, 0.95, 0.99)))
        for name, values in (("stream", stream), ("page: numbers", page), ("page: states of rows", rows))
    ]
    figures: dict[str, Figure] = {
        "results a second": round(recorded.rate),
        "events a second, stream": round(heard.events / seconds, 1),
        "events a second, page": round(traffic.get("events", 0) / seconds, 1),
        "kB a second, stream without filter": round(heard.size / seconds / 1000, 1),
        "kB a second, page": round(traffic.get("bytes", 0) / seconds / 1000, 1),
        "requests of the page": traffic.get("requests", 0),
        "long tasks of the page": len(seen["long"]),
        "longest task (ms)": round(max(seen["long"], default=0)),
        "cores": os.cpu_count() or 0,
    }
    goals = [
        Goal.at_least("results a second", 0.95 * 2_000, recorded.rate),
        Goal.at_most("commit to event, p95", GOAL, share(stream, 0.95), "ms"),
        Goal.at_most("commit to number on the page, p95", GOAL, share(page, 0.95), "ms"),
        Goal.at_most("commit to state of a row on the page, p95", GOAL, share(rows, 0.95), "ms"),
        Goal.at_most("events a second to a page", 30, traffic.get("events", 0) / seconds),
    ]
    table += [(name, value, "", "", "") for name, value in figures.items()]
    return Report("live", ("way", "results", "p50 ms", "p95 ms", "p99 ms"), table, figures, goals)
