"""Finds and ends what a start that was killed left running, and nothing else.

A process belongs to an embedded start when it works *in* one of its data folders (PostgreSQL and Redis go
there) or carries its mark in the environment (everything that the process manager started). Process ids
in files are never trusted: after a reboot, or in a new container, they belong to somebody else.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

MARK = "INTEGHUB_STARTED_FROM"  # environment variable; its value is the data folder of the start


def working_in(folder: Path) -> list[psutil.Process]:
    """Processes whose working directory is *folder*."""
    wanted = str(folder.resolve())
    return [process for process in _others() if _cwd(process) == wanted]


def marked(data: Path) -> list[psutil.Process]:
    """Processes that the process manager of the data folder *data* started, and their children."""
    wanted = str(data.resolve())
    return [process for process in _others() if _mark(process) == wanted]


def keepers(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The parents of *processes* that run this program too: forks of a process manager that was killed."""
    parents = {parent.pid: parent for process in processes if (parent := process.parent())}
    program = psutil.Process().cmdline()[:3]  # python -m module
    return [parent for parent in parents.values() if _cmdline(parent)[:3] == program]


def end(
    processes: list[psutil.Process],
    *,
    first: signal.Signals = signal.SIGTERM,
    then: signal.Signals = signal.SIGKILL,
    grace: float = 10.0,
) -> None:
    """Send *first* to all, and after *grace* seconds *then* to those that are left."""
    for sent in (first, then):
        for process in processes:
            try:
                process.send_signal(sent)
            except psutil.NoSuchProcess:
                continue
        processes = _left_after(processes, grace)


def _left_after(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those of *processes* that still work after *seconds*, or fewer when none does. A process that nobody
    waits for stays in the table as a zombie (in containers for ever), and has ended all the same."""
    deadline = time.monotonic() + seconds
    while (processes := [process for process in processes if _works(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return processes


def _works(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _others() -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if process.pid != psutil.Process().pid)


def _cwd(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:  # gone, or another account's
        return ""


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _mark(process: psutil.Process) -> str:
    try:
        return process.environ().get(MARK, "")
    except psutil.Error:
        return ""
