"""A run under disturbances: servers, workers and scheduler of its own, what befalls them, and what must hold after."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg2
import redis

from bench import target
from integhub.runtime.embedded import Servers, Watch, servers
from integhub.runtime.layout import ROOT, Layout
from integhub.runtime.locks import exclusive
from integhub.runtime.postgres import first_line

WORKERS, CHILDREN = 2, 2
STARTED = 60  # seconds within which a worker must be ready
STEPS = 2  # of each case

SEED = """
from apps.accounts.models import User
from apps.accounts.services import create_team
from apps.catalog.models import TestSuite
from apps.catalog.services import save_case
from apps.environments.models import Environment, Variable
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
    dict(name="Ask", kind="http", point="ask", expect=[dict(check="status", equals=200)],
         **dict([("with", dict(url="{{{{ TARGET }}}}/{{{{ execution_id }}}}"))])),
]
cases = [save_case(system, suite, dict(title=f"Case {{n}}", steps=steps), by) for n in range({executions})]
print("run", start_run(system=system, environment=local, cases=cases, started_by=by).pk)
"""

# What must hold when the run has ended: a name, and a question whose answer must be nothing.
INVARIANTS = {
    "the run has ended": "SELECT phase FROM runs_testrun WHERE id = %(run)s AND phase <> 'finished'",
    "every execution is final and passed": """
        SELECT state, count(*) FROM runs_execution WHERE run_id = %(run)s AND state <> 'passed' GROUP BY state""",
    "the run's counts are those of its executions": """
        SELECT r.total, r.passed, n FROM runs_testrun r,
               (SELECT count(*) n FROM runs_execution WHERE run_id = %(run)s AND state = 'passed') e
        WHERE r.id = %(run)s AND (r.passed <> n OR r.total <> n OR r.failed + r.blocked + r.skipped + r.cancelled <> 0)
    """,
    "each execution has one result": """
        SELECT e.id, count(a.id) FROM runs_execution e
        LEFT JOIN runs_attempt a ON a.execution_id = e.id AND a.state = 'passed'
        WHERE e.run_id = %(run)s GROUP BY e.id HAVING count(a.id) <> 1""",
    "each execution has the steps of one attempt": """
        SELECT e.id, count(s.id) FROM runs_execution e LEFT JOIN runs_stepresult s ON s.execution_id = e.id
        WHERE e.run_id = %(run)s GROUP BY e.id HAVING count(s.id) <> %(steps)s""",
    "the day counts each result once": """
        SELECT d.passed, r.total FROM runs_testrun r,
               (SELECT coalesce(sum(passed), 0) AS passed, coalesce(sum(failed + blocked + skipped), 0) AS other
                FROM runs_daycount) d
        WHERE r.id = %(run)s AND (d.passed <> r.total OR d.other <> 0)""",
    "the seam's latencies count each request once": """
        SELECT l.count, r.total FROM runs_testrun r, (SELECT coalesce(sum(count), 0) count FROM runs_latencyday) l
        WHERE r.id = %(run)s AND l.count <> r.total""",
    "each case has its record": """
        SELECT e.case_id FROM runs_execution e LEFT JOIN runs_caserecord c ON c.case_id = e.case_id
        WHERE e.run_id = %(run)s AND (c.id IS NULL OR c.state <> 'passed' OR c.strip <> 'P')""",
}


class Ordeal:
    """``with Ordeal(folder, executions=1000, hold=0.2) as ordeal:`` – a run under way on two workers.

    *hold* is how long (s) each execution takes at least, *parallel* how many run at once.
    """

    def __init__(self, folder: Path, *, executions: int, hold: float = 0.2, parallel: int = 32, seed: int = 0) -> None:
        self._layout = Layout(folder)
        self._size = {"executions": executions, "hold": hold, "parallel": parallel}
        self.random = random.Random(seed)  # noqa: S311 - which process is hit
        self._stack = ExitStack()
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self.befallen: list[tuple[float, str]] = []
        self.run = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._layout.make()
            stack.enter_context(exclusive(self._layout.lock))
            own = self._own(stack)
            self._environment = own.environment | {"INTEGHUB_LOG_LEVEL": "INFO"}
            address = stack.enter_context(target.running())
            self._manage("migrate", "-v", "0")
            stack.callback(self._stop)
            for number in range(WORKERS):
                self._start(f"worker{number + 1}")
            self._start_beat()
            watch = Watch(own.embedded)
            watch.start()
            stack.callback(watch.stop)
            seeded = self._manage("shell", "-v", "0", "-c", SEED.format(target=address, **self._size))
            self.run = int(seeded.rpartition("run ")[2])
            self._began = time.monotonic()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _own(self, stack: ExitStack) -> Servers:
        """Servers that may be killed; never the ones that the person's environment names."""
        if named := {"DATABASE_URL", "REDIS_URL"} & os.environ.keys():
            raise RuntimeError(f"{' and '.join(sorted(named))} is set: that server is not for breaking")
        return stack.enter_context(servers(self._layout))

    # -- what befalls it ---------------------------------------------------------------------------

    def kill_worker(self) -> None:
        """A whole worker is killed, with its children, and started again."""
        name = self._any()
        self._note(f"{name} killed")
        self._kill(name)
        self._start(name)

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
            for passed, other, total in self._ask(
                "SELECT passed, failed + blocked + skipped + cancelled, total FROM runs_testrun WHERE id = %(run)s"
            ):
                return passed + other, total
        return 0, 1

    def reach(self, share: float, limit: float) -> None:
        """Wait until the *share* (0 to 1) of the executions is final, at most *limit* seconds."""
        deadline = time.monotonic() + limit
        while True:
            done, total = self.done()
            if done >= share * total:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{done} of {total} within {limit:g} s\n{self.logs()}")
            time.sleep(0.25)

    def broken(self) -> dict[str, list[Any]]:
        """The invariants that do not hold, with the first rows that show it."""
        found = {name: list(self._ask(question))[:5] for name, question in INVARIANTS.items()}
        return {name: rows for name, rows in found.items() if rows}

    def lost_attempts(self) -> int:
        """Attempts that ended with their worker."""
        return int(next(self._ask("SELECT count(*) FROM runs_attempt WHERE state = 'blocked'"))[0])

    def logs(self, lines: int = 30) -> str:
        """The end of every log."""
        parts = []
        for log in sorted(self._layout.logs.glob("*.log")):
            parts += [f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(parts)

    # -- processes ---------------------------------------------------------------------------------

    def _ask(self, question: str) -> Iterator[tuple[Any, ...]]:
        with closing(psycopg2.connect(self._environment["DATABASE_URL"])) as session, session.cursor() as cursor:
            cursor.execute(question, {"run": self.run, "steps": STEPS})
            yield from cursor.fetchall()

    def _note(self, what: str) -> None:
        self.befallen.append((round(time.monotonic() - self._began, 1), what))

    def _any(self) -> str:
        return self.random.choice(sorted(self._workers))

    def _manage(self, *words: str) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        done = subprocess.run(command, env=self._environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"manage.py {words[0]}: {done.stderr[-3000:]}")
        return done.stdout.strip()

    def _start(self, name: str) -> None:
        queues, log = "celery,execution", self._layout.logs / f"{name}.log"
        size = log.stat().st_size if log.exists() else 0
        self._workers[name] = self._celery(
            log, "worker", "--queues", queues, "--concurrency", str(CHILDREN), "--hostname", f"{name}@chaos",
            "--without-gossip", "--without-mingle", "--loglevel", "info",
        )  # fmt: skip
        deadline = time.monotonic() + STARTED
        while "ready." not in log.read_text(errors="replace")[size:]:
            if time.monotonic() > deadline or self._workers[name].poll() is not None:
                raise RuntimeError(f"{name} did not start\n{self.logs()}")
            time.sleep(0.1)

    def _start_beat(self) -> None:
        self._layout.beat.mkdir(exist_ok=True)
        schedule = self._layout.beat / "schedule"
        self._beat = self._celery(self._layout.logs / "beat.log", "beat", "--pidfile=", "--schedule", str(schedule))

    def _celery(self, log: Path, *words: str) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "integhub", *words],
                env=self._environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def _kill(self, name: str) -> None:
        process = self._workers.pop(name)
        _kill_group(process)

    def _stop(self) -> None:
        for name in list(self._workers):
            self._kill(name)
        if beat := getattr(self, "_beat", None):
            _kill_group(beat)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


Disturbance = Callable[[Ordeal], None]
EVERY: tuple[Disturbance, ...] = (
    Ordeal.kill_worker,
    Ordeal.kill_child,
    Ordeal.empty_redis,
    Ordeal.kill_redis,
    Ordeal.kill_postgres,
)
