"""The embedded Redis: broker, cache and live events. Append-only file, loopback, password."""

import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from integhub.runtime import binaries, orphans
from integhub.runtime.ports import LOOPBACK
from integhub.runtime.postgres import tail
from integhub.runtime.progress import Failure

START_SECONDS = 60.0
STOP_SECONDS = 10.0
APPEND_ONLY_FILE = "appendonly.aof"
SIGN_OF_DAMAGE = "Bad file format reading the append only file"


@dataclass
class Redis:
    """One server that keeps its data in the folder *data* and answers on *port*."""

    data: Path
    port: int
    password: str
    log: Path
    durable: bool = True
    _process: subprocess.Popen[bytes] | None = None

    name = "Redis"

    def url(self, database: int = 0) -> str:
        """Address of the numbered *database* (0 to 15) for clients."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """End what an earlier start left, start the server and wait until it answers."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        recover(self.data)
        self._launch()
        if not self._answers() and self._put_damaged_file_aside():
            self._launch()
            self._answers()
        if not self.alive():
            raise Failure(f"Redis ended while starting:\n{tail(self.log)}")

    def stop(self) -> None:
        """Shut down, data written. Nothing happens when it is not running."""
        if self._process is None:
            return
        try:
            with redis.Redis.from_url(self.url()) as client:
                client.shutdown(nosave=not self.durable)
        except redis.RedisError:
            self._process.send_signal(signal.SIGTERM)  # the same, for one that takes no more connections
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def alive(self) -> bool:
        """Whether the server that ``start`` started still runs."""
        return self._process is not None and self._process.poll() is None

    def _launch(self) -> None:
        configuration = self.data / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind {LOOPBACK}\nport {self.port}\nrequirepass {self.password}\ndir {_quoted(self.data)}\n"
            f"appendonly {'yes' if self.durable else 'no'}\nappendfilename {APPEND_ONLY_FILE}\n"
            'save ""\ndaemonize no\nlogfile ""\n'
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [binaries.redis_server(), configuration],
                cwd=self.data, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url()) as client:
            while self.alive() and time.monotonic() < deadline:
                try:
                    client.ping()
                    return True
                except redis.RedisError:  # not yet listening, or still loading
                    time.sleep(0.02)
        return False

    def _put_damaged_file_aside(self) -> bool:
        # Redis repairs a cut-off end by itself. Damage in the middle would stop every start; what is in here
        # (queued deliveries, cache) is made again from PostgreSQL, so starting empty loses nothing.
        damaged = self.data / APPEND_ONLY_FILE
        if self.alive() or not damaged.exists() or SIGN_OF_DAMAGE not in tail(self.log):
            return False
        damaged.rename(damaged.with_name(f"{damaged.name}.damaged-{int(time.time())}"))
        return True


def recover(data: Path) -> None:
    """End whatever an earlier start left working in the folder *data*."""
    orphans.end(orphans.working_in(data), grace=STOP_SECONDS)


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
