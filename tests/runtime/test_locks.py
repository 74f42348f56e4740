"""One at a time, and never locked out by the dead."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from integhub.runtime.locks import Busy, exclusive
from tests.runtime.conftest import python

HOLDER = """
import sys, time, os
from pathlib import Path
from integhub.runtime.locks import exclusive
with exclusive(Path(sys.argv[1])):
    if len(sys.argv) == 2:
        print("held", 0, flush=True)
    elif os.fork() == 0:  # by then the child has let go
        print("held", os.getpid(), flush=True)
    time.sleep(60)
"""


def hold(path: Path, *words: str) -> tuple[subprocess.Popen[str], int]:
    """A process that holds *path*, and the child that it forked (0 without *words*)."""
    holder = python(HOLDER, str(path), *words)
    assert holder.stdout is not None
    said = holder.stdout.readline().split()
    assert said[0] == "held"
    return holder, int(said[1])


def test_the_second_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    holder, _ = hold(tmp_path / "lock")
    with pytest.raises(Busy) as refused, exclusive(tmp_path / "lock"):
        pass
    assert refused.value.holder == str(holder.pid)
    holder.kill()
    holder.communicate()


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    holder, _ = hold(tmp_path / "lock")
    holder.kill()
    holder.communicate()
    with exclusive(tmp_path / "lock"):
        pass


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    holder, child = hold(tmp_path / "lock", "fork")
    holder.kill()
    holder.wait()
    try:
        with exclusive(tmp_path / "lock"):
            os.kill(child, 0)
    finally:
        os.kill(child, signal.SIGKILL)
        holder.communicate()


def test_who_is_willing_waits_for_the_holder(tmp_path: Path) -> None:
    holder, _ = hold(tmp_path / "lock")
    waited: list[str] = []

    def free(process: str) -> None:
        waited.append(process)
        holder.kill()

    with exclusive(tmp_path / "lock", on_wait=free):
        assert waited == [str(holder.pid)]
    holder.communicate()
