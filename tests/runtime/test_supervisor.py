"""Processes are kept running, what happens to them is said, and none outlives its manager."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.runtime.conftest import eventually, gone, python

# Runs the commands in the JSON object argv[2] (name → shell line) until told to stop, logs in argv[1].
MANAGER = """
import json, os, sys
from pathlib import Path
from integhub.runtime import supervisor
from integhub.runtime.services import Service
supervisor.GRACE_SECONDS = supervisor.FIRST_PAUSE = 0.5
folder, commands = Path(sys.argv[1]), json.loads(sys.argv[2])
services = [Service(name, ("sh", "-c", line), dict(os.environ)) for name, line in commands.items()]
printer = supervisor.LogPrinter(folder, verbose=False)
supervisor.Supervisor(services, root=folder, data=folder, printer=printer).loop()
print("all ended", flush=True)
"""


class Managed:
    """A process manager at work on shell *lines* in the folder *logs*."""

    def __init__(self, logs: Path, **lines: str) -> None:
        self.logs = logs
        self.process: subprocess.Popen[str] = python(MANAGER, str(logs), json.dumps(lines))

    def lines(self, name: str) -> list[str]:
        log = self.logs / f"{name}.log"
        return log.read_text().split() if log.exists() else []

    def stop(self) -> str:
        self.process.terminate()
        output, _ = self.process.communicate(timeout=30)
        return output


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[list[Managed]]:
    made: list[Managed] = []
    yield made
    for manager in made:
        if manager.process.poll() is None:
            manager.process.kill()
            manager.process.communicate()


def manage(managed: list[Managed], logs: Path, **lines: str) -> Managed:
    managed.append(Managed(logs, **lines))
    return managed[-1]


def test_a_process_that_ends_is_reported_with_its_last_lines_and_started_again(
    managed: list[Managed], tmp_path: Path
) -> None:
    manager = manage(managed, tmp_path, flaky="echo $$; sleep 0.3; exit 3", steady="echo $$; exec sleep 60")
    eventually(lambda: len(manager.lines("flaky")) >= 3)
    output = manager.stop()
    assert "flaky ended by itself (exit code 3); starting it again in 0.5 s" in output
    assert "starting it again in 1 s" in output, "pauses grow"
    assert f"  {manager.lines('flaky')[0]}\n" in output
    assert output.count("all of it") == 1, "its last lines are shown once"
    assert len(set(manager.lines("flaky"))) >= 3
    assert len(manager.lines("steady")) == 1, "the others are left alone"


def test_a_killed_process_is_reported_by_its_signal(managed: list[Managed], tmp_path: Path) -> None:
    manager = manage(managed, tmp_path, web="echo $$; exec sleep 60")
    eventually(lambda: len(manager.lines("web")) == 1)
    os.kill(int(manager.lines("web")[0]), signal.SIGKILL)
    eventually(lambda: len(manager.lines("web")) == 2)
    assert "web ended by itself (killed by SIGKILL)" in manager.stop()


def test_what_a_dead_process_left_behind_is_ended_before_its_successor_starts(
    managed: list[Managed], tmp_path: Path
) -> None:
    manager = manage(managed, tmp_path, worker="sleep 60 & echo $!; exit 1")
    eventually(lambda: len(manager.lines("worker")) >= 2)
    assert gone(int(manager.lines("worker")[0]))
    manager.stop()


def test_told_to_stop_it_ends_every_process_and_then_itself(managed: list[Managed], tmp_path: Path) -> None:
    manager = manage(managed, tmp_path, web="echo $$; exec sleep 60", beat="echo $$; exec sleep 60")
    eventually(lambda: bool(manager.lines("web") and manager.lines("beat")))
    output = manager.stop()
    assert output.endswith("all ended\n")
    assert "ended by itself" not in output
    assert all(gone(int(manager.lines(name)[0])) for name in ("web", "beat"))


def test_it_ends_though_one_of_its_processes_was_killed_while_it_waited(managed: list[Managed], tmp_path: Path) -> None:
    manager = manage(managed, tmp_path, web="echo $$; exec sleep 60", beat="echo $$; exec sleep 60")
    eventually(lambda: bool(manager.lines("web") and manager.lines("beat")))
    web = psutil.Process(int(manager.lines("web")[0]))
    keeper = web.parent()
    assert keeper is not None
    keeper.kill()
    assert manager.stop().endswith("all ended\n")
    web.kill()


def test_a_process_that_does_not_listen_is_killed_after_the_grace(managed: list[Managed], tmp_path: Path) -> None:
    manager = manage(managed, tmp_path, deaf="trap '' TERM; echo $$; while :; do sleep 0.1; done")
    eventually(lambda: bool(manager.lines("deaf")))
    assert manager.stop().endswith("all ended\n")
    assert gone(int(manager.lines("deaf")[0]))


def test_no_process_outlives_a_manager_that_is_killed(managed: list[Managed], tmp_path: Path) -> None:
    manager = manage(managed, tmp_path, web="echo $$; exec sleep 60")
    eventually(lambda: bool(manager.lines("web")))
    web = int(manager.lines("web")[0])
    keeper = psutil.Process(web).parent()
    manager.process.kill()
    eventually(lambda: gone(web))
    eventually(lambda: keeper is None or gone(keeper.pid))
