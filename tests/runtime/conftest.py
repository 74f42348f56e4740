"""Throw-away data folders and clones for the embedded start; nothing here touches the project's own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from integhub.runtime import orphans
from integhub.runtime.layout import ROOT, Layout


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    """An empty data folder; whatever a test leaves working in it is ended."""
    made = Layout(tmp_path / "data")
    made.make()
    yield made
    left = [*orphans.working_in(made.postgres), *orphans.working_in(made.redis)]
    orphans.end(left)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with only the embedded start in it: no Django, no packages of its own."""
    return make_clone(tmp_path)


def make_clone(folder: Path) -> Path:
    """A clone as of the fixture ``clone``, in *folder*."""
    root = folder / "clone"
    shutil.copytree(ROOT / "integhub" / "runtime", root / "integhub" / "runtime")
    shutil.copy(ROOT / "integhub" / "__init__.py", root / "integhub")
    shutil.copytree(ROOT / "script", root / "script")
    return root


def outside() -> dict[str, str]:
    """This process's environment without what script/test put there."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("INTEGHUB_", "SHOP_", "DJANGO_")) and name not in {"DATABASE_URL", "REDIS_URL"}
    }


def python(program: str, *words: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
    """Start the source text *program* in a process of its own, output on a pipe."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        cwd=cwd,
        env=outside() | {"PYTHONPATH": str(cwd)},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def eventually(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until *true* is; fails the test after *seconds*."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"still not so after {seconds:g} s"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether the process *pid* has ended, waited for by its parent or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
