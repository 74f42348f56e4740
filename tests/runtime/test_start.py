"""script/server as a whole: real PostgreSQL, Redis, uvicorn and Celery around a web application of one line."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from apps.accounts import demo
from integhub.runtime import orphans, server
from integhub.runtime.layout import VENV, Layout
from integhub.runtime.locks import exclusive
from integhub.runtime.ports import keep, listen
from integhub.runtime.postgres import first_line
from tests.runtime.conftest import eventually, gone, outside

ASGI = """
async def application(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["client"][0].encode()})
"""
CELERY = """
import os
from celery import Celery
app = Celery("integhub", broker=os.environ["REDIS_URL"])
app.conf.beat_schedule = {}
"""
MANAGE = """
import os, signal, sys, psycopg2
if sys.argv[1] == "mailbox":
    signal.pause()
with psycopg2.connect(os.environ["DATABASE_URL"]) as session, session.cursor() as cursor:
    cursor.execute("CREATE TABLE IF NOT EXISTS commands (name text)")
    cursor.execute("INSERT INTO commands VALUES (%s)", [sys.argv[1]])
    cursor.execute("SELECT string_agg(name, ' ') FROM commands")
    print(cursor.fetchone()[0])
sys.exit(3 if sys.argv[1] == "fails" else 0)
"""


class Start:
    """One ``script/server`` in the folder *clone*, its output in a file."""

    def __init__(self, clone: Path, *words: str) -> None:
        self.output = clone / "output"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "integhub.runtime.server", *words],
                cwd=clone, env=outside(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until_ready(self) -> int:
        """Wait for the greeting; gives the port."""
        eventually(lambda: "IntegHub is ready" in self.said or self.process.poll() is not None, 90)
        assert "IntegHub is ready" in self.said, self.said
        address = next(word for word in self.said.split() if word.startswith("http://127.0.0.1:"))
        return int(address.rpartition(":")[2])

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture
def clone(clone: Path) -> Iterator[Path]:
    (clone / "integhub" / "asgi.py").write_text(ASGI)
    (clone / "integhub" / "celery.py").write_text(CELERY)
    (clone / "manage.py").write_text(MANAGE)
    (clone / ".venv").symlink_to(VENV)
    yield clone
    data = Layout(clone / ".data")
    for number in data.lock.read_text().split() if data.lock.exists() else []:
        if psutil.pid_exists(int(number)) and str(clone) == psutil.Process(int(number)).cwd():
            os.kill(int(number), signal.SIGKILL)
    left = [*orphans.marked(data.data), *orphans.working_in(data.postgres), *orphans.working_in(data.redis)]
    orphans.end(left)


def answer(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


def manage(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "integhub.runtime.manage", *words]
    return subprocess.run(command, cwd=clone, env=outside(), capture_output=True, text=True, check=False)


def free_port(folder: Path) -> int:
    return keep(folder / "test-ports.json", ["web"])["web"]


def belonging(clone: Path) -> list[psutil.Process]:
    """Every process of a start in *clone*."""
    data = Layout(clone / ".data")
    return [*orphans.marked(data.data), *orphans.working_in(data.postgres), *orphans.working_in(data.redis)]


def test_everything_starts_answers_and_is_stopped_cleanly(clone: Path) -> None:
    port = free_port(clone)
    start = Start(clone, "--no-demo", "--port", str(port))
    assert start.until_ready() == port
    assert answer(port) == "127.0.0.1", "the application sees the client's address"
    secrets = clone / ".data" / "secrets.json"
    assert secrets.stat().st_mode & 0o077 == (clone / ".data" / "running.json").stat().st_mode & 0o077 == 0
    assert start.stop() == 0, start.said
    assert belonging(clone) == []
    assert not (clone / ".data" / "running.json").exists()
    assert not any(word in start.said for word in secrets.read_text().split('"') if len(word) > 30)


def test_servers_and_processes_that_are_killed_are_reported_and_come_back(clone: Path) -> None:
    port = free_port(clone)
    start = Start(clone, "--no-demo", "--port", str(port))
    start.until_ready()
    data = Layout(clone / ".data")
    killed = [int(first_line(data.postgres / "postmaster.pid")), *(one.pid for one in orphans.working_in(data.redis))]
    web = [one for one in orphans.marked(data.data) if "uvicorn" in one.cmdline()]
    for number in (*killed, web[0].pid):
        os.kill(number, signal.SIGKILL)
    for name in ("PostgreSQL", "Redis", "web"):
        eventually(lambda name=name: f"{name} ended by itself" in start.said)  # type: ignore[misc]
    eventually(lambda: len(orphans.working_in(data.postgres)) > 3 and len(orphans.working_in(data.redis)) == 1)
    assert answer(port) == "127.0.0.1"
    assert manage(clone, "shown").stdout.strip() == "migrate shown"
    assert start.stop() == 0


def test_a_second_start_in_the_same_clone_says_so_and_ends(clone: Path) -> None:
    layout = Layout(clone / ".data")
    with exclusive(layout.lock):
        second = Start(clone, "--no-demo")
        assert second.process.wait(30) == 1
    assert f"already runs from this clone (process {os.getpid()})" in second.said
    assert not layout.postgres.exists()


def test_a_start_after_kill_9_takes_over_data_and_port_and_ends_what_was_left(clone: Path) -> None:
    port = free_port(clone)
    killed = Start(clone, "--no-demo", "--port", str(port))
    killed.until_ready()
    before = belonging(clone)
    assert len(before) > 10
    killed.process.kill()
    killed.process.wait()

    again = Start(clone, "--no-demo", "--port", str(port))
    assert again.until_ready() == port, again.said
    assert all(gone(process.pid) for process in before)
    assert manage(clone, "shown").stdout.strip() == "migrate migrate shown", (
        "the data of the first start, in the running database"
    )
    assert again.stop() == 0


def test_a_start_after_kill_9_waits_for_the_port_of_what_is_still_ending(clone: Path) -> None:
    port = free_port(clone)
    running = Layout(clone / ".data").running
    running.parent.mkdir(exist_ok=True)
    running.write_text("{}")  # no orderly end took it away
    with listen(port):
        start = Start(clone, "--no-demo", "--port", str(port))
        time.sleep(1)
    assert start.until_ready() == port, start.said
    assert start.stop() == 0


def test_a_taken_port_gives_the_next_and_says_so(clone: Path) -> None:
    port = free_port(clone)
    with listen(port):
        start = Start(clone, "--no-demo", "--port", str(port))
        got = start.until_ready()
    assert got > port
    assert f"Port {port} is taken; using {got}." in start.said
    start.stop()


def test_a_command_without_a_start_runs_its_own_servers_and_gives_its_exit_code(clone: Path) -> None:
    assert manage(clone, "fails").returncode == 3
    assert belonging(clone) == []


def test_a_failing_migration_stops_everything_and_is_shown(clone: Path) -> None:
    (clone / "manage.py").write_text("raise SystemExit('no such table')")
    start = Start(clone, "--no-demo", "--port", str(free_port(clone)))
    assert start.process.wait(60) == 1
    assert "no such table" in start.said
    assert belonging(clone) == []


def test_fresh_deletes_the_data_and_only_that(clone: Path) -> None:
    (clone / "manage.py").write_text(MANAGE.replace('"fails"', '"migrate"'))
    for words in ([], ["--fresh"]):
        start = Start(clone, "--no-demo", "--port", str(free_port(clone)), *words)
        assert start.process.wait(60) == 1
        assert "\nmigrate\n" in start.said, "the first command on an empty database"


def test_the_sign_in_that_is_shown_is_one_of_the_demo() -> None:
    email, password = server.DEMO_SIGN_IN
    assert email in [person.email for person in demo.PEOPLE]
    assert password == demo.PASSWORD
