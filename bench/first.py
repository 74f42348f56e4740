"""Start-up, click to first step, overhead of an execution, and cost of pages, in a fresh clone."""

import json
import statistics
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pycurl

from bench.product import Product
from bench.report import Figure, Goal, Report

CLICKS = 25
EXECUTIONS = 500
CONNECTIONS = 50


def main(argv: Sequence[str]) -> Report:
    """Measure everything in one run on this machine; takes some minutes, most of them the cold start."""
    with Product() as product:
        cold = product.start()
        product.stop()
        warm = product.start()
        product.sign_in()
        product.wait_until_quiet()
        target = product.manage("import os; print(os.environ['SHOP_NOTIFIER_URL'])") + "/health"
        spent = clicks(product, _case(product, target), "local")
        ours, bare = _overhead(product, target)
        product.run_to_end({"system": "shop", "environment": "local", "plan": "automated"})
        pages: dict[str, list[float]] = json.loads(product.manage("from bench.pages import probe; probe()"))
    return _report(cold, warm, spent, ours, bare, pages)


def _case(product: Product, target: str, dataset: str = "") -> int:
    """Number of a new case of one request."""
    step = {"name": "Ask", "kind": "http", "with": {"url": target}, "expect": [{"check": "status", "equals": 200}]}
    definition = {"title": f"Bench {time.monotonic_ns()}", "steps": [step]} | ({"dataset": dataset} if dataset else {})
    suite = product.call("GET", "/suites/?system=shop")["results"][0]["id"]
    case = product.call("POST", "/cases/", {"system": "shop", "suite": suite, "definition": definition})
    return int(case["number"])


def clicks(product: Product, case: int, environment: str) -> list[float]:
    """Milliseconds from sending the request that starts a run to the start of its first step, sorted."""
    latencies = []
    for _ in range(CLICKS):
        clicked = time.time()
        run = product.run_to_end({"system": "shop", "environment": environment, "cases": [case]})
        execution = product.call("GET", f"/executions/?run={run['id']}")["results"][0]
        step = product.call("GET", f"/executions/{execution['id']}/")["steps"][0]
        latencies.append((datetime.fromisoformat(step["started_at"]).timestamp() - clicked) * 1000)
    return sorted(latencies)


def _overhead(product: Product, target: str) -> tuple[float, float]:
    """Seconds for the same requests: by the product (from first claim to the end of the run), and by libcurl alone."""
    rows = [{"label": str(n), "values": {"n": n}} for n in range(EXECUTIONS)]
    slug = f"bench-{time.monotonic_ns()}"
    product.call("POST", "/datasets/", {"system": "shop", "name": slug, "slug": slug, "columns": ["n"], "rows": rows})
    case = _case(product, target, slug)
    spent = []
    for _ in range(3):
        run = product.run_to_end({"system": "shop", "environment": "local", "cases": [case]})
        if run["passed"] != EXECUTIONS:
            raise RuntimeError(f"{run['passed']} of {EXECUTIONS} passed")
        ends = [datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at")]
        spent.append((ends[1] - ends[0]).total_seconds())
    return statistics.median(spent), statistics.median(_bare(target) for _ in range(3))


def _bare(target: str) -> float:
    """Seconds for ``EXECUTIONS`` requests over ``CONNECTIONS`` connections by libcurl's multi interface."""
    multi = pycurl.CurlMulti()
    began, left, running = time.perf_counter(), EXECUTIONS, 0

    def ask(handle: Any) -> None:
        handle.setopt(pycurl.URL, target)
        handle.setopt(pycurl.WRITEFUNCTION, lambda data: None)
        multi.add_handle(handle)

    for handle in [pycurl.Curl() for _ in range(CONNECTIONS)]:
        ask(handle)
        left, running = left - 1, running + 1
    while running:
        multi.perform()
        _, done, failed = multi.info_read()
        if failed:
            raise RuntimeError(str(failed[0]))
        for handle in done:
            multi.remove_handle(handle)
            running -= 1
            if left:
                ask(handle)
                left, running = left - 1, running + 1
        if not done:
            multi.select(0.05)
    return time.perf_counter() - began


def share(values: Sequence[float], part: float) -> float:
    """The value below which *part* (0 to 1) of the sorted *values* lies."""
    return values[min(len(values) - 1, round(part * len(values)))]


def _report(
    cold: float, warm: float, spent: Sequence[float], ours: float, bare: float, pages: dict[str, list[float]]
) -> Report:
    overhead = (ours - bare) / EXECUTIONS * 1000
    figures: dict[str, Figure] = {
        "cold start (s)": round(cold, 1),
        "warm start (s)": round(warm, 1),
        "click to first step, p50 (ms)": round(share(spent, 0.5), 1),
        "click to first step, p95 (ms)": round(share(spent, 0.95), 1),
        f"{EXECUTIONS} executions by IntegHub (s)": round(ours, 3),
        f"{EXECUTIONS} requests by bare libcurl (s)": round(bare, 3),
        "overhead of an execution (ms)": round(overhead, 3),
    }
    for name, (queries, took, size) in pages.items():
        figures |= {f"{name}: queries": queries, f"{name}: ms": took, f"{name}: kB": size}
    rows: list[tuple[Figure, ...]] = [(name, value, "", "") for name, value in figures.items() if ": " not in name]
    rows += [
        (f"page {name}", f"{queries:g} queries", f"{took:g} ms", f"{size:g} kB")
        for name, (queries, took, size) in pages.items()
    ]
    goals = [
        Goal.at_most("warm start", 15, warm, "s"),
        Goal.at_most("click to first step, p95", 150, share(spent, 0.95), "ms"),
        Goal.at_most("largest page", 150, max(size for _, _, size in pages.values()), "kB"),
        Goal.at_most("slowest page", 500, max(took for _, took, _ in pages.values()), "ms"),
    ]
    return Report("first", ("figure", "value", "", ""), rows, figures, goals)
