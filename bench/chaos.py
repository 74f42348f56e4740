"""10,000 executions while workers, Redis and PostgreSQL are killed at random: each counted once, nothing stuck."""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.ordeal import EVERY, Ordeal
from bench.report import Goal, Report

CUT = 60.0  # seconds: beyond every lease


def main(argv: Sequence[str]) -> Report:
    """Takes some minutes. ``--executions N``, ``--every SECONDS`` between disturbances, ``--seed N`` to repeat one."""
    parser = argparse.ArgumentParser(prog="script/bench chaos")
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--every", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1_800.0)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="integhub-chaos-", ignore_cleanup_errors=True) as folder:
        began = time.monotonic()
        with Ordeal(Path(folder) / "data", executions=options.executions, seed=options.seed) as ordeal:
            _disturb(ordeal, options.every, began + options.limit)
            ordeal.reach(1.0, options.limit)
            spent = time.monotonic() - began
            broken, lost = ordeal.broken(), ordeal.lost_attempts()
    rows = [(f"{at:g} s", what) for at, what in ordeal.befallen]
    rows += [("broken", f"{name}: {found}") for name, found in broken.items()]
    figures = {
        "executions": options.executions,
        "disturbances": len(ordeal.befallen),
        "attempts lost with their worker and repeated": lost,
        "seconds": round(spent, 1),
    }
    goals = [Goal.at_most("invariants broken", 0, len(broken))]
    return Report("chaos", ("when", "what"), rows, figures, goals)


def _disturb(ordeal: Ordeal, every: float, deadline: float) -> None:
    """Something befalls the run every few seconds, until nine tenths are done; in the middle a worker is cut off."""
    cut = False
    while time.monotonic() < deadline:
        done, total = ordeal.done()
        if done >= 0.9 * total:
            return
        if not cut and done >= 0.5 * total:
            cut = True
            ordeal.cut_worker(CUT)
        else:
            ordeal.random.choice(EVERY)(ordeal)
        time.sleep(every)
