"""A run under disturbances: servers, scheduler, and workers on hosts of their own, and what befalls them."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg2
import redis

from bench import hosts, leaving
from bench.hub import Hub
from bench.invariants import INVARIANTS
from integhub.runtime.postgres import first_line

STEPS = 3  # of each case
ROWS = 5  # executions of each case
FILES, FILE = 20, 30_000  # each so many-th case leaves a file of so many bytes
DISK = 0.25  # of those files find room on each of two disks

SEED = """
from apps.accounts.models import User
from apps.accounts.services import create_team
from apps.catalog.models import TestSuite
from apps.catalog.services import save_case
from apps.environments.models import DataRow, Dataset, Environment, Variable
from apps.execution.services import start_run
from apps.systems.models import IntegrationPoint, Component, System

by = User.objects.create(email="chaos@example.org", name="Chaos")
system = System.objects.create(team=create_team("Chaos", by), name="Chaos", slug="chaos")
consumer, provider = (Component.objects.create(system=system, name=n, slug=n.lower()) for n in ("Shop", "Stock"))
IntegrationPoint.objects.create(
    system=system, consumer=consumer, provider=provider, slug="ask", protocol="http", operation="GET /"
)
local = Environment.objects.create(system=system, name="Local", slug="local", max_parallel={parallel})
Variable.objects.create(environment=local, name="TARGET", value="{target}")
suite = TestSuite.objects.create(system=system, name="All")
steps = [
    dict(name="Hold", kind="wait", **dict([("with", dict(seconds={hold}))])),
    dict(name="Ask", kind="http", timeout=60, point="ask", expect=[dict(check="status", equals=200)],
         **dict([("with", dict(url="{{{{ TARGET }}}}/{{{{ execution_id }}}}"))])),
]
def leaving(n):
    return dict(name="Leave", kind="leave", **dict([("with", dict(bytes=0 if n % {files} else {file}))]))
rows = Dataset.objects.create(system=system, name="Rows", slug="rows", columns=["n"])
for n in range({rows}):
    DataRow.objects.create(dataset=rows, position=n, label=str(n), values=dict(n=n))
cases = [
    save_case(system, suite, dict(title=f"Case {{n}}", dataset="rows", steps=[*steps, leaving(n)]), by)
    for n in range({executions} // {rows})
]
print("run", start_run(system=system, environment=local, cases=cases, started_by=by).pk)
"""


class Ordeal(Hub):
    """``with Ordeal(folder, executions=1000, hold=0.2) as ordeal:`` – a run under way on two workers.

    *executions* (a multiple of 100) take at least *hold* s each, *parallel* of them run at once.
    """

    def __init__(self, folder: Path, *, executions: int, hold: float = 0.2, parallel: int = 32, seed: int = 0) -> None:
        packages = folder.with_name(f"{folder.name}-kinds")
        leaving.install(packages)
        disk = int(executions // FILES * FILE * DISK) + 4096
        super().__init__(folder, hosts=2, disk=disk, packages=str(packages), clocks=True)
        self._size = {"executions": executions, "hold": hold, "parallel": parallel}
        self.random = random.Random(seed)  # noqa: S311 - which process is hit
        self.befallen: list[tuple[float, str]] = []
        self.run = 0

    def __enter__(self) -> Self:
        super().__enter__()
        with ExitStack() as stack:
            stack.push(super().__exit__)
            for name in self.names:
                self.start(name)
            code = SEED.format(target=self.target, files=FILES, file=FILE, rows=ROWS, **self._size)
            self.run = int(self.manage("shell", "-v", "0", "-c", code).rpartition("run ")[2])
            self._began = time.monotonic()
            stack.pop_all()
        return self

    # -- what befalls it ---------------------------------------------------------------------------

    def kill_worker(self) -> None:
        """A whole worker is killed, with its children, and started again."""
        name = self._any()
        self._note(f"{name} killed")
        self.kill(name)
        self.start(name)

    def kill_child(self) -> None:
        """One process of a worker is killed in the middle of its executions."""
        name = self._any()
        children = psutil.Process(self._workers[name].pid).children()
        if children:
            self._note(f"a child of {name} killed")
            self.random.choice(children).kill()

    def cut_worker(self, seconds: float) -> None:
        """A worker hears and says nothing for *seconds*, as behind a cut network, and then goes on regardless."""
        name = self._any()
        self._note(f"{name} cut off for {seconds:g} s")
        os.killpg(self._workers[name].pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.killpg(self._workers[name].pid, signal.SIGCONT)

    def cut_network(self, name: str = "") -> Callable[[], None]:
        """From now on, nothing comes through between a worker and the servers; returns what mends it."""
        name = name or self._any()
        self._note(f"network of {name} cut")
        self._hosts[name].cut()

        def mend() -> None:
            self._note(f"network of {name} mended")
            self._hosts[name].mend()

        return mend

    def reset_connections(self) -> None:
        """Every connection of a worker to the servers is broken off."""
        name = self._any()
        self._note(f"connections of {name} reset")
        self._hosts[name].reset()

    def set_clock(self) -> None:
        """The clock of a worker is set, by a day or two, forwards or back, or right again."""
        if hosts.faketime():
            name, days = self._any(), self.random.choice([-2, -1, 0, 1, 2])
            self._note(f"clock of {name} set to {days:+d} days")
            self._hosts[name].set_clock(days)

    def empty_redis(self) -> None:
        """Redis loses everything that it holds: messages, events, announcements."""
        self._note("Redis emptied")
        with redis.Redis.from_url(self._environment["REDIS_URL"]) as client:
            client.flushall()

    def kill_redis(self) -> None:
        """Redis is killed, and comes back."""
        self._note("Redis killed")
        with redis.Redis.from_url(self._environment["REDIS_URL"]) as client:
            os.kill(client.info()["process_id"], signal.SIGKILL)

    def kill_postgres(self) -> None:
        """PostgreSQL is ended at once, recovers from its log, and comes back."""
        self._note("PostgreSQL ended")
        os.kill(int(first_line(self._layout.postgres / "postmaster.pid")), signal.SIGQUIT)

    # -- how it goes -------------------------------------------------------------------------------

    def done(self) -> tuple[int, int]:
        """How many executions are final, and of how many."""
        with suppress(psycopg2.Error):
            for passed, other, total in self.ask(
                "SELECT passed, failed + blocked + skipped + cancelled, total FROM runs_testrun WHERE id = %(run)s",
                run=self.run,
            ):
                return passed + other, total
        return 0, 1

    def reach(self, share: float, limit: float) -> None:
        """Wait until the *share* (0 to 1) of the executions is final, at most *limit* seconds.

        Nothing that befalls it may end a worker; only we kill workers.
        """

        def reached() -> bool:
            done, total = self.done()
            return done >= share * total

        self.wait(reached, limit)

    def broken(self) -> dict[str, list[Any]]:
        """The invariants that do not hold, with the first rows that show it."""
        found = {name: list(self.ask(question, run=self.run, steps=STEPS))[:5] for name, question in INVARIANTS.items()}
        found["every file that was kept is there, whole"] = [
            (name, size) for name, size in self._kept() if not any(h.has_file(name, size) for h in self._hosts.values())
        ][:5]
        return {name: rows for name, rows in found.items() if rows}

    def _kept(self) -> list[tuple[str, int]]:
        return [(str(name), int(size)) for name, size in self.ask("SELECT file, size FROM runs_artifact")]

    def files(self) -> tuple[int, int]:
        """How many files were kept, and how many cases left one."""
        left = "SELECT count(*) FROM runs_stepresult WHERE kind = 'leave' AND (request->>'bytes')::int > 0"
        return len(self._kept()), int(next(self.ask(left))[0])

    def lost_attempts(self) -> int:
        """Attempts that ended with their worker."""
        return int(next(self.ask("SELECT count(*) FROM runs_attempt WHERE state = 'blocked'"))[0])

    def _note(self, what: str) -> None:
        self.befallen.append((round(time.monotonic() - self._began, 1), what))

    def _any(self) -> str:
        return self.random.choice(sorted(self._workers))


Disturbance = Callable[[Ordeal], None]
EVERY: tuple[Disturbance, ...] = (
    Ordeal.kill_worker,
    Ordeal.kill_child,
    Ordeal.empty_redis,
    Ordeal.kill_redis,
    Ordeal.kill_postgres,
    Ordeal.reset_connections,
    Ordeal.set_clock,
)
