"""One plan on 1, 2 and 4 worker hosts against a target that takes its time: what twice the workers give."""

import argparse
import itertools
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import hosts
from bench.hub import Hub
from bench.report import Figure, Goal, Report

HOSTS = (1, 2, 4)
GOAL = 1.8  # times the throughput for twice the workers

SEED = """
from apps.accounts.models import User
from apps.accounts.services import create_team
from apps.catalog.models import TestSuite
from apps.catalog.services import save_case
from apps.environments.models import DataRow, Dataset, Environment, Variable
from apps.systems.models import System

by = User.objects.create(email="scale@example.org", name="Scale")
system = System.objects.create(team=create_team("Scale", by), name="Scale", slug="scale")
local = Environment.objects.create(system=system, name="Local", slug="local")
Variable.objects.create(environment=local, name="TARGET", value="{target}")
suite = TestSuite.objects.create(system=system, name="All")
step = dict(name="Ask", kind="http", expect=[dict(check="status", equals=200)],
            **dict([("with", dict(url="{{{{ TARGET }}}}/{{{{ execution_id }}}}"))]))
for count in {hosts}:
    rows = Dataset.objects.create(system=system, name=f"{{count}} hosts", slug=f"h{{count}}", columns=["n"])
    DataRow.objects.bulk_create(
        DataRow(dataset=rows, position=n, label=str(n), values=dict(n=n)) for n in range(count * {each})
    )
    save_case(system, suite, dict(title=f"On {{count}} hosts", dataset=rows.slug, steps=[step]), by)
"""
START = """
from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution.services import start_run

Environment.objects.update(max_parallel={places})
local = Environment.objects.select_related("system").get()
case = TestCase.objects.get(title="On {count} hosts")
print("run", start_run(system=local.system, environment=local, cases=[case], started_by=User.objects.first()).pk)
"""
RATE = """
    SELECT phase, passed, total, passed / greatest(extract(epoch FROM coalesce(finished_at, now()) - started_at), 0.001)
    FROM runs_testrun WHERE id = %(run)s"""


def main(argv: Sequence[str]) -> Report:
    """Takes some minutes. ``--places`` executions at once on each host, ``--delay`` seconds of the target."""
    parser = argparse.ArgumentParser(prog="script/bench scale")
    parser.add_argument("--places", type=int, default=16)
    parser.add_argument("--delay", type=float, default=0.5)
    parser.add_argument("--each", type=int, default=240, help="executions for each host")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(argv)
    rates: dict[int, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="integhub-scale-", ignore_cleanup_errors=True) as folder,
        Hub(Path(folder) / "data", hosts=HOSTS[-1], children=1, delay=options.delay) as hub,
    ):
        hub.manage("shell", "-v", "0", "-c", SEED.format(target=hub.target, hosts=HOSTS, each=options.each))
        for count in HOSTS:
            for name in hub.names[:count]:
                if not hub.runs(name):
                    hub.start(name)
            rates[count] = [_measure(hub, count, count * options.places) for _ in range(options.repeat)]
    return _report(rates, options.places / options.delay)


def _measure(hub: Hub, count: int, places: int) -> float:
    """Executions a second of one run, from its first claim to its end."""
    started = hub.manage("shell", "-v", "0", "-c", START.format(count=count, places=places))
    run = int(started.rpartition("run ")[2])
    hub.wait(lambda: next(hub.ask(RATE, run=run))[0] not in ("queued", "running"), 600)
    _, passed, total, rate = next(hub.ask(RATE, run=run))
    if passed != total:
        raise RuntimeError(f"{passed} of {total} passed\n{hub.logs()}")
    return float(rate)


def _report(rates: dict[int, list[float]], most: float) -> Report:
    middle = {count: statistics.median(found) for count, found in rates.items()}
    rows: list[tuple[Figure, ...]] = [
        (
            count,
            round(rate, 1),
            round(rate / (count * most) * 100),
            round(min(rates[count]), 1),
            round(max(rates[count]), 1),
        )
        for count, rate in middle.items()
    ]
    figures: dict[str, Figure] = {f"{count} hosts (executions/s)": round(rate, 1) for count, rate in middle.items()}
    figures["hosts are"] = "network namespaces" if hosts.namespaces() else "processes"
    goals = [
        Goal.at_least(f"{more} hosts to {less}, times", GOAL, middle[more] / middle[less])
        for less, more in itertools.pairwise(HOSTS)
    ]
    return Report("scale", ("hosts", "executions/s", "% of places", "least", "most"), rows, figures, goals)
