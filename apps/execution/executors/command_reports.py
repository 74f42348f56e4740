"""Reports that a command wrote in its folder: each test in them becomes a result of its own."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from apps.execution.engine.model import Artifact, State
from apps.execution.executors.base import Child, Observed
from apps.runs.importers import junit
from apps.runs.importers.reports import Report, TestReport, UnreadableReport

_FILES = 100  # reports of one command
_KEPT = 1024 * 1024  # bytes of a report that is kept as a file
_CHILDREN = 1_000  # results of one command; those that did not pass come first
_STATES = {"passed": State.PASSED, "failed": State.FAILED, "error": State.FAILED, "skipped": State.SKIPPED}


@dataclass(slots=True)
class Collected:
    """What the reports said, and what is wrong with them."""

    tests: list[TestReport] = field(default_factory=list)
    errors_outside: int = 0
    problems: list[str] = field(default_factory=list)
    files: list[Artifact] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """Take the tests of one more file."""
        self.tests += report.tests
        self.errors_outside += report.errors_outside


def collect(folder: Path, patterns: Sequence[str]) -> Collected:
    """Read the reports that *patterns* name within *folder*."""
    collected = Collected()
    for pattern in patterns:
        found = _matching(folder, pattern)
        if not found:
            collected.problems.append(f"the command wrote no report {pattern}")
        for path in found:
            _read(folder, path, collected)
    if not collected.tests and not collected.problems:
        collected.problems.append("the reports hold no tests")
    return collected


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Files within *folder* whose names fit; whatever leads out of it, by ``..`` or by a link, does not."""
    if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        return []
    inside = folder.resolve()
    try:
        found = sorted(path for path in folder.glob(pattern) if path.resolve().is_relative_to(inside))
    except (ValueError, NotImplementedError, OSError, RuntimeError):
        return []
    return found[:_FILES]


def _read(folder: Path, path: Path, collected: Collected) -> None:
    name = path.relative_to(folder).as_posix()
    try:
        content = _content(path)
        collected.add(junit.read(content))
    except (OSError, UnreadableReport) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        collected.problems.append(f"the report {name} cannot be read: {why}")
        return
    if len(content) <= _KEPT:
        collected.files.append(Artifact(name.replace("/", "-"), "application/xml", content))


def _content(path: Path) -> bytes:
    """The bytes of a regular file. Opened without following a link, nor waiting for who writes into a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableReport("it is not a regular file")
        return file.read(junit.LARGEST + 1)


def tell(collected: Collected, observed: Observed) -> None:
    """Put into *observed* what the reports said: counts, a result for each test, and whether that is a failure."""
    counts = {name: sum(test.verdict == name for test in collected.tests) for name in _STATES}
    failed = counts["failed"] + counts["error"]
    summary = {
        "total": len(collected.tests),
        "passed": counts["passed"],
        "failed": failed,
        "skipped": counts["skipped"],
    }
    observed.response["tests"] = summary
    observed.subjects |= {name: summary[name] for name in ("passed", "failed", "skipped")}
    observed.subjects["tests"] = [_told(test) for test in collected.tests]
    observed.artifacts += collected.files
    # sorted() keeps the order of the report among those that went alike
    kept = sorted(collected.tests, key=lambda test: _STATES[test.verdict] is not State.FAILED)[:_CHILDREN]
    chosen = {id(test) for test in kept}
    observed.children = [_child(test) for test in collected.tests if id(test) in chosen]
    if len(collected.tests) > _CHILDREN:
        observed.notes.append(f"{_CHILDREN} of {len(collected.tests)} tests are kept as results of their own")
    if collected.errors_outside:
        observed.notes.append(f"the reports count {collected.errors_outside} errors that belong to no test")
    observed.verdict = _verdict(collected, failed)


def _verdict(collected: Collected, failed: int) -> str:
    if failed:
        first = next(test for test in collected.tests if _STATES[test.verdict] is State.FAILED)
        why = f": {first.message}" if first.message else ""
        total = len(collected.tests)
        return f"{failed} of {total} {'test' if total == 1 else 'tests'} failed: first {_title(first)}{why}"
    return "; ".join(collected.problems)


def _title(test: TestReport) -> str:
    return test.name or test.suite or "(without a name)"


def _told(test: TestReport) -> dict[str, Any]:
    ms = None if test.seconds is None else round(test.seconds * 1000, 3)
    return {
        "suite": test.suite,
        "name": test.name,
        "state": _STATES[test.verdict].value,
        "message": test.message,
        "ms": ms,
    }


def _child(test: TestReport) -> Child:
    response = {"details": test.details, "stdout": test.stdout, "stderr": test.stderr}
    return Child(
        group=test.suite,
        name=_title(test),
        state=_STATES[test.verdict],
        message=test.message,
        duration_ms=0.0 if test.seconds is None else test.seconds * 1000,
        response={name: text for name, text in response.items() if text},
    )
