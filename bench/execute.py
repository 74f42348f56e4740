"""Cases a second through the whole product, against bare libcurl and the command-line tools of today."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench import first, peers, target
from bench.product import Product
from bench.report import Figure, Goal, Report

CASES, ROWS, REPEATS = 1_000, 10, 3
SHOP_ROWS = 35  # of each of the demo's some thirty cases
MANY = 100_000  # executions over which the workers' memory must stay flat


@dataclass(frozen=True)
class Measured:
    """One run: from the request that started it to its end."""

    executions: int
    answered: float  # seconds until the request that started the run was answered
    total: float  # seconds until the run had ended
    cpu_ms: float  # of all worker processes, per execution

    @property
    def rate(self) -> float:
        """Executions a second, planned, executed and stored."""
        return self.executions / self.total


def main(argv: Sequence[str]) -> Report:
    """Takes some ten minutes: cold start, cases, runs, peers. ``--long`` adds the memory over 100,000 executions."""
    parser = argparse.ArgumentParser(prog="script/bench execute")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args(argv)
    with target.running() as address, Product() as product, tempfile.TemporaryDirectory() as folder:
        product.start()
        product.sign_in()
        product.wait_until_quiet()
        bench = _Bench(product, address)
        clicks = bench.clicks()
        thousand = bench.best("once", CASES)
        ten_thousand = bench.best("rows", CASES * ROWS)
        shop = bench.best("shop", None)
        grown = bench.memory() if options.long else None
        ceiling = min(peers.libcurl(address, CASES) for _ in range(REPEATS))
        tools = peers.Tools(Path(folder), address, CASES)
        others = {} if options.no_peers else tools.seconds()
    return _report(thousand, ten_thousand, shop, clicks, ceiling, others, tools.missing, grown)


class _Bench:
    """The product with an environment, data sets and cases for the runs that are measured."""

    def __init__(self, product: Product, address: str) -> None:
        self._product = product
        call = product.call
        call("POST", "/environments/", {"system": "shop", "name": "Bench", "slug": "bench", "max_parallel": 128})
        call("POST", "/variables/", {"system": "shop", "environment": "bench", "name": "TARGET", "value": address})
        for slug, count in (("bench", ROWS), ("bench-shop", SHOP_ROWS)):
            rows = [{"label": str(n), "values": {"n": n}} for n in range(count)]
            call("POST", "/datasets/", {"system": "shop", "name": slug, "slug": slug, "columns": ["n"], "rows": rows})
        shop = self._shop()
        suite = call("POST", "/suites/", {"system": "shop", "name": "Benchmark"})["id"]
        self._cases = {
            "once": [self._case(suite, n, "") for n in range(CASES)],
            "rows": [self._case(suite, n, "bench") for n in range(CASES)],
            "shop": [self._save(suite, definition | {"dataset": "bench-shop"}) for definition in shop],
        }

    def _shop(self) -> list[dict[str, Any]]:
        """Definitions of the demo's cases that need no person and have no data set of their own."""
        page = self._product.call("GET", "/cases/?system=shop&mode=automated")
        found = list(page["results"])
        while page["next"]:
            page = self._product.call("GET", page["next"].partition("/api/v1")[2])
            found += page["results"]
        definitions = [self._product.call("GET", f"/cases/{case['id']}/")["definition"] for case in found]
        own = [definition for definition in definitions if "dataset" not in definition]
        # A browser takes seconds for what the others do in milliseconds: it would be all that is measured.
        return [one for one in own if "browser" not in {step["kind"] for step in one["steps"]}]

    def _case(self, suite: int, n: int, dataset: str) -> int:
        step = {
            "name": "Ask",
            "kind": "http",
            "with": {"url": f"{{{{ TARGET }}}}/items/{n}", "headers": {"X-Run": "{{ run_id }}"}},
            "expect": [
                {"check": "status", "equals": 200},
                {"check": "json", "at": "$.items[0].sku", "equals": peers.SKU},
            ],
        }
        definition = {"title": f"Bench {n} {dataset}".strip(), "steps": [step]} | (
            {"dataset": dataset} if dataset else {}
        )
        return self._save(suite, definition)

    def _save(self, suite: int, definition: dict[str, Any]) -> int:
        case = self._product.call("POST", "/cases/", {"system": "shop", "suite": suite, "definition": definition})
        return int(case["number"])

    def clicks(self) -> list[float]:
        """Milliseconds from starting a run of one case to the start of its first step."""
        return first.clicks(self._product, self._cases["once"][0], "bench")

    def best(self, which: str, expected: int | None) -> Measured:
        """The median of some runs by rate."""
        measured = sorted((self._measure(which, expected) for _ in range(REPEATS)), key=lambda one: one.rate)
        return measured[len(measured) // 2]

    def _measure(self, which: str, expected: int | None) -> Measured:
        environment = "local" if which == "shop" else "bench"
        body: dict[str, Any] = {"system": "shop", "environment": environment, "cases": self._cases[which]}
        with self._worker_cpu() as cpu:
            began = time.time()
            run = self._product.call("POST", "/runs/", body)
            answered = time.time() - began
            run = self._product.to_end(run, every=0.2)
        if expected is not None and run["passed"] != expected:
            raise RuntimeError(f"{run['passed']} of {expected} passed")
        total = datetime.fromisoformat(run["finished_at"]).timestamp() - began
        return Measured(run["total"], answered, total, cpu[0] / run["total"] * 1000)

    @contextmanager
    def _worker_cpu(self) -> Iterator[list[float]]:
        """A list whose only value is, after the ``with``, the CPU seconds that the worker processes spent in it."""
        before = {one.pid: _seconds(one) for one in self._workers()}
        spent = [0.0]
        yield spent
        spent[0] = sum(_seconds(one) - before.get(one.pid, 0.0) for one in self._workers())

    def _workers(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = process.info["cmdline"] or []
            if process.info["cwd"] == str(self._product.clone) and "worker" in words:
                found.append(process)
        return found

    def memory(self) -> list[float]:
        """MB of all worker processes: after warming up, and after ``MANY`` further executions."""
        seen = [self._megabytes()]
        for _ in range(MANY // (CASES * ROWS)):
            self._measure("rows", CASES * ROWS)
            seen.append(self._megabytes())
        return seen

    def _megabytes(self) -> float:
        return sum(one.memory_info().rss for one in self._workers()) / 1e6


def _seconds(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def _report(
    thousand: Measured,
    ten_thousand: Measured,
    shop: Measured,
    clicks: Sequence[float],
    ceiling: float,
    others: dict[str, float],
    missing: dict[str, str],
    grown: list[float] | None,
) -> Report:
    p95 = first.share(clicks, 0.95)
    rows: list[tuple[Figure, ...]] = [("bare libcurl under asyncio (ceiling)", CASES, ceiling, CASES / ceiling)]
    runs = {"1,000 cases": thousand, "10,000 executions": ten_thousand, "shop cases": shop}
    rows += [(f"IntegHub, {name}", run.executions, run.total, run.rate) for name, run in runs.items()]
    rows += [(name, CASES, spent, CASES / spent) for name, spent in others.items()]
    rows += [(f"{name}: not to be had here", why, "", "") for name, why in missing.items()]
    figures: dict[str, Figure] = {f"{row[0]} (s)": row[2] for row in rows if isinstance(row[2], float)}
    figures |= {
        "worker CPU, 10,000 executions (ms each)": round(ten_thousand.cpu_ms, 3),
        "start of 10,000 executions (s)": round(ten_thousand.answered, 3),
        "click to first step, p50 (ms)": round(statistics.median(clicks), 1),
        "click to first step, p95 (ms)": round(p95, 1),
    }
    goals = [
        Goal.at_least("cases a second, 10,000 executions", 3_000, ten_thousand.rate),
        Goal.at_most("worker CPU of an execution", 0.5, ten_thousand.cpu_ms, "ms"),
        Goal.at_most("click to first step, p95", 150, p95, "ms"),
        Goal.at_most("start of a run of 10,000", 1, ten_thousand.answered, "s"),
    ]
    if "pytest + requests" in others:
        goals.append(Goal.at_least("times pytest + requests", 8, others["pytest + requests"] / thousand.total))
    if others:
        goals.append(Goal.at_least("times the fastest peer", 1, min(others.values()) / thousand.total))
    if grown:
        figures["worker memory before and after 100,000 executions (MB)"] = f"{grown[1]:.0f} → {grown[-1]:.0f}"
        goals.append(Goal.at_most("growth of worker memory", 10, (grown[-1] / grown[1] - 1) * 100, "%"))
    return Report("execute", ("who", "executions", "seconds", "a second"), rows, figures, goals)
