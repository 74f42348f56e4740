"""The product in a fresh clone, started as a newcomer would, and spoken to as a program would."""

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 900  # seconds, cold
STOP_LIMIT = 40


class Product:
    """A clone of this checkout's HEAD below a temporary folder; ``with Product() as product:`` removes it after."""

    def __init__(self, port: int = 8700) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="integhub-bench-", ignore_cleanup_errors=True)
        self.clone = Path(self._folder.name) / "clone"
        self.port = port
        self.base = ""
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> float:
        """``script/server`` until its health answers; returns the seconds it took."""
        log = self.clone.parent / "server.log"
        began = time.monotonic()
        with log.open("wb") as output:
            self._server = subprocess.Popen(
                ["script/server", "--port", str(self.port)],
                cwd=self.clone,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while not self._answers(log):
            if self._server.poll() is not None or time.monotonic() - began > START_LIMIT:
                raise RuntimeError(f"script/server did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        return time.monotonic() - began

    def stop(self) -> None:
        """Ctrl-C, as a person would end it."""
        if self._server is None or self._server.poll() is not None:
            return
        os.killpg(self._server.pid, signal.SIGINT)
        self._server.wait(STOP_LIMIT)

    def manage(self, code: str) -> str:
        """What Python *code* prints in the clone's ``script/manage shell``; its last line."""
        done = subprocess.run(
            ["script/manage", "shell", "-v", "0", "-c", code],
            cwd=self.clone,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip().splitlines()[-1]

    def sign_in(self) -> None:
        """Take an API token of the demo's lead for ``call``."""
        self._token = self.manage(
            "from apps.accounts.models import User; from apps.accounts.services import create_token; "
            "print(create_token(User.objects.get(email__startswith='lena@'), 'bench', None)[1])"
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """JSON answer of ``/api/v1<path>``."""
        request = urllib.request.Request(
            f"{self.base}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error

    def run_to_end(self, body: dict[str, Any], limit: float = 300) -> dict[str, Any]:
        """Start a run by the API and poll it until it has ended."""
        return self.to_end(self.call("POST", "/runs/", body), limit=limit)

    def to_end(self, run: dict[str, Any], *, every: float = 0.05, limit: float = 300) -> dict[str, Any]:
        """Poll *run* until it has ended."""
        deadline = time.monotonic() + limit
        while run["phase"] in {"queued", "running"}:
            if time.monotonic() > deadline:
                raise RuntimeError(f"run {run['number']} did not end within {limit} s")
            time.sleep(every)
            run = self.call("GET", f"/runs/{run['id']}/")
        return run

    def wait_until_quiet(self, limit: float = 300) -> None:
        """Until the runs that the demo starts by itself leave nothing to the workers."""
        deadline = time.monotonic() + limit
        while any(run["done"] + run["waiting"] < run["total"] for run in self.call("GET", "/runs/")["results"]):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the demo's own runs did not end within {limit} s")
            time.sleep(0.5)

    def _answers(self, log: Path) -> bool:
        for port in range(self.port, self.port + 20):
            if f"127.0.0.1:{port}" in log.read_text(errors="replace"):
                self.base = f"http://127.0.0.1:{port}"
        if not self.base:
            return False
        try:
            with urllib.request.urlopen(f"{self.base}/health/", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False
