"""The product as several machines: servers of its own, and workers on hosts of their own."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Self

import psycopg2

from bench import target
from bench.hosts import Host
from integhub.runtime.embedded import Servers, Watch, servers
from integhub.runtime.layout import ROOT, Layout
from integhub.runtime.locks import exclusive

STARTED = 60  # seconds within which a worker must be ready
MOST_ENDS = 2  # of a worker by itself


class Hub:
    """``with Hub(folder, hosts=2) as hub:`` – migrated servers, hosts with a target each, and the scheduler.

    *disk* is how many bytes the artifacts of a host may take where that can be bounded, 0 for any; *delay* how long (s)
    the targets take; with *clocks*, those of hosts can be set; *packages* is a folder of further packages.
    """

    def __init__(
        self,
        folder: Path,
        *,
        hosts: int,
        children: int = 2,
        disk: int = 0,
        delay: float = 0,
        packages: str = "",
        clocks: bool = False,
    ) -> None:
        self._layout, self._clocks = Layout(folder), clocks
        self._count, self._children, self._disk, self._delay, self._packages = hosts, children, disk, delay, packages
        self._stack = ExitStack()
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._hosts: dict[str, Host] = {}
        self.target = ""  # address, the same on each host
        self.ended: Counter[str] = Counter()
        """How often each worker ended by itself: kombu does when it acknowledges just while Redis goes away."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._layout.make()
            stack.enter_context(exclusive(self._layout.lock))
            own = self._own(stack)
            ours = {"INTEGHUB_LOG_LEVEL": "INFO", "INTEGHUB_MEDIA_ROOT": str(self._layout.media)}
            self._environment = own.environment | ours
            if self._packages:
                self._environment["PYTHONPATH"] += f"{os.pathsep}{self._packages}"
            self.manage("migrate", "-v", "0")
            self.target = self._make_hosts(stack)
            stack.callback(self._stop)
            self._start_beat()
            watch = Watch(own.embedded)
            watch.start()
            stack.callback(watch.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def names(self) -> list[str]:
        """The workers that there may be, one for each host."""
        return list(self._hosts)

    def _make_hosts(self, stack: ExitStack) -> str:
        """A host for each worker; returns the address at which each of them finds a target of its own."""
        place = (self._environment, self._layout.data, self._layout.media, self._disk)
        found = [Host(n, *place, clock=self._clocks) for n in range(self._count)]
        self._hosts = {f"worker{n + 1}": stack.enter_context(host) for n, host in enumerate(found)}
        address = stack.enter_context(target.running(delay=self._delay))
        port = int(address.rpartition(":")[2])
        for host in found:
            if host.inside:
                stack.enter_context(target.running(port, host.inside, self._delay))
        return address

    def _own(self, stack: ExitStack) -> Servers:
        """Servers that may be killed; never the ones that the person's environment names."""
        if named := {"DATABASE_URL", "REDIS_URL"} & os.environ.keys():
            raise RuntimeError(f"{' and '.join(sorted(named))} is set: that server is not for breaking")
        return stack.enter_context(servers(self._layout))

    def runs(self, name: str) -> bool:
        """Whether the worker *name* was started, and has not been killed."""
        return name in self._workers

    def wait(self, until: Callable[[], bool], limit: float) -> None:
        """Until *until* holds, at most *limit* seconds. A worker that ended by itself is started again, as whatever
        manages it would do; RuntimeError when it does so for the third time."""
        deadline = time.monotonic() + limit
        while not until():
            for name, process in list(self._workers.items()):
                if process.poll() is not None:
                    self.ended[name] += 1
                    if self.ended[name] > MOST_ENDS:
                        raise RuntimeError(f"{name} ended by itself\n{self.logs()}")
                    self.start(name)
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {limit:g} s\n{self.logs()}")
            time.sleep(0.25)

    def ask(self, question: str, **values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows that PostgreSQL answers, without our models."""
        with closing(psycopg2.connect(self._environment["DATABASE_URL"])) as session, session.cursor() as cursor:
            cursor.execute(question, values)
            yield from cursor.fetchall()

    def logs(self, lines: int = 30) -> str:
        """The end of every log."""
        parts = []
        for log in sorted(self._layout.logs.glob("*.log")):
            parts += [f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(parts)

    def manage(self, *words: str) -> str:
        """What ``manage.py`` prints."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        done = subprocess.run(command, env=self._environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"manage.py {words[0]}: {done.stderr[-3000:]}")
        return done.stdout.strip()

    def start(self, name: str) -> None:
        """Start the worker *name* on its host, and wait until it is ready."""
        queues, log, host = "celery,execution", self._layout.logs / f"{name}.log", self._hosts[name]
        size = log.stat().st_size if log.exists() else 0
        self._workers[name] = self._celery(
            log, host, "worker", "--queues", queues, "--concurrency", str(self._children),
            "--hostname", f"{name}@bench", "--without-gossip", "--without-mingle", "--loglevel", "info",
        )  # fmt: skip
        deadline = time.monotonic() + STARTED
        while "ready." not in log.read_text(errors="replace")[size:]:
            if time.monotonic() > deadline or self._workers[name].poll() is not None:
                raise RuntimeError(f"{name} did not start\n{self.logs()}")
            time.sleep(0.1)

    def _start_beat(self) -> None:
        self._layout.beat.mkdir(exist_ok=True)
        schedule = self._layout.beat / "schedule"
        self._beat = self._celery(
            self._layout.logs / "beat.log", None, "beat", "--pidfile=", "--schedule", str(schedule)
        )

    def _celery(self, log: Path, host: Host | None, *words: str) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [*(host.inside if host else ()), sys.executable, "-m", "celery", "-A", "integhub", *words],
                env=host.environment if host else self._environment,
                cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """Kill the worker *name* with its children."""
        process = self._workers.pop(name)
        _kill_group(process)

    def _stop(self) -> None:
        for name in list(self._workers):
            self.kill(name)
        if beat := getattr(self, "_beat", None):
            _kill_group(beat)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
