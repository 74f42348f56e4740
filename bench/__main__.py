"""``script/bench``: lists the benchmarks, or runs one by name and prints its report.

Ends with 0 when every goal is met, 1 when one is missed, 2 when there is no such benchmark.
"""

import argparse
import importlib
import pkgutil
import signal
import sys

import bench
from bench.report import Report

NOT_BENCHMARKS = {"report", "__main__"}


def names() -> list[str]:
    """The benchmarks there are: public modules of this package that define ``main``."""
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(
        name for name in found if name not in NOT_BENCHMARKS and not name.startswith("_") and _is_benchmark(name)
    )


def main(argv: list[str]) -> int:
    """Command line of ``script/bench``; words that it does not know go to the benchmark."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended, too
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("name", nargs="?", help="benchmark to run; without it they are listed")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options, rest = parser.parse_known_args(argv)
    if options.name is None:
        return _list()
    if options.name not in names():
        print(f"There is no benchmark {options.name!r}; there are: {', '.join(names()) or 'none'}", file=sys.stderr)
        return 2
    report: Report = importlib.import_module(f"bench.{options.name}").main(rest)
    print(report.text(), flush=True)
    if options.json:
        print(report.json(), flush=True)
    return 0 if report.met else 1


def _list() -> int:
    for name in names():
        document = importlib.import_module(f"bench.{name}").__doc__ or ""
        print(f"{name:<16} {document.strip().splitlines()[0] if document else ''}".rstrip())
    return 0


def _is_benchmark(name: str) -> bool:
    return hasattr(importlib.import_module(f"bench.{name}"), "main")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
