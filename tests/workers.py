"""Real Celery workers on the test database, as processes that can be killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parent.parent


def environ(**more: str) -> dict[str, str]:
    """The environment of a process that works on this test's database and Redis."""
    database = connection.settings_dict
    login = f"{quote(database['USER'])}:{quote(database['PASSWORD'] or '')}"
    port = f":{database['PORT']}" if database["PORT"] else ""
    url = f"postgresql://{login}@{database['HOST']}{port}/{database['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL, "PYTHONPATH": str(ROOT), **more}


class Worker:
    """``with Worker(log) as worker:`` – a worker with one child process; ended, or killed, with its children."""

    def __init__(self, log: Path, *, queues: str = "celery,execution,env.local", **env: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "celery", "-A", "integhub", "worker", "--queues", queues]
        options = ["--loglevel", "info", "--concurrency", "1", "--without-gossip", "--without-mingle"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *options],
                env=environ(**({"INTEGHUB_LOG_LEVEL": "INFO"} | env)),
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while "ready." not in self.log.read_text(errors="replace"):
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            assert time.monotonic() < deadline, f"no worker within 30 s: {self.log.read_text(errors='replace')}"
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """``kill -9`` of the worker and its child at once, as when a machine is lost."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
