"""10,000 executions while workers, servers, networks, disks and clocks fail: each counted once, nothing stuck."""

import argparse
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import hosts
from bench.ordeal import EVERY, Disturbance, Ordeal
from bench.report import Figure, Goal, Report

CUT = 60.0  # seconds: beyond every lease
OUTAGE = 45.0  # seconds without a network: beyond what connections bear


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
            undisturbed = time.monotonic()
            ordeal.reach(1.0, options.limit)
            ended = time.monotonic()
            broken, lost, (kept, left) = ordeal.broken(), ordeal.lost_attempts(), ordeal.files()
    rows: list[tuple[Figure, ...]] = [(f"{at:g} s", what) for at, what in ordeal.befallen]
    rows += [("never", what) for what in hosts.missing()]
    rows += [("broken", f"{name}: {found}") for name, found in broken.items()]
    figures: dict[str, Figure] = {
        "executions": options.executions,
        "disturbances": len(ordeal.befallen),
        "attempts lost with their worker and repeated": lost,
        "files kept on full disks": f"{kept} of {left}",
        "seconds": round(ended - began, 1),
        "seconds from the last disturbance to the end": round(ended - undisturbed, 1),
    }
    rows += [(str(value), name) for name, value in figures.items()]
    goals = [Goal.at_most("invariants broken", 0, len(broken))]
    return Report("chaos", ("when", "what"), rows, figures, goals)


def _disturb(ordeal: Ordeal, every: float, deadline: float) -> None:
    """Something befalls the run every few seconds, until nine tenths are done; once each, a worker's network is cut
    while the rest goes on, and a worker is stopped."""
    cut, mend, mend_at = False, ordeal.cut_network(), time.monotonic() + OUTAGE
    left: list[Disturbance] = []
    while time.monotonic() < deadline:
        ordeal.reach(0, 60)  # and nobody has given up
        done, total = ordeal.done()
        if time.monotonic() > mend_at:
            mend()
            mend_at = math.inf
        if done >= 0.9 * total and mend_at == math.inf:
            return
        if not cut and done >= 0.5 * total:
            cut = True
            ordeal.cut_worker(CUT)
        else:
            _next(ordeal, left)(ordeal)
        time.sleep(every)


def _next(ordeal: Ordeal, left: list[Disturbance]) -> Disturbance:
    """Each once, in any order, before any comes again."""
    if not left:
        left += EVERY
    return left.pop(ordeal.random.randrange(len(left)))
