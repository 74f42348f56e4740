"""``script/server``: the whole of IntegHub from one command, and ``--check``, which proves that it works."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType

from integhub.runtime import orphans, ports, ready
from integhub.runtime.embedded import Servers, Watch, discard, servers
from integhub.runtime.layout import EMBEDDED, PYTHON, ROOT, Layout
from integhub.runtime.locks import Busy, exclusive
from integhub.runtime.progress import Failure, say, stage
from integhub.runtime.services import all_services
from integhub.runtime.supervisor import LogPrinter, Supervisor

DEFAULT_PORT = 8000
PORT_SECONDS = 5.0  # within which what a killed start left gives its port back
DEMO_SIGN_IN = ("lena@demo.integhub.local", "integhub-demo")  # of apps.accounts.demo; a test compares
STARTED = float(os.environ.get("INTEGHUB_STARTED_AT", time.time()))  # when the person typed the command


def main() -> int:
    """Command line of ``script/server``."""
    options = _options()
    EMBEDDED.make()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        with exclusive(EMBEDDED.lock):
            return Start(options, EMBEDDED).run()
    except Busy as busy:
        say(f"IntegHub already runs from this clone (process {busy.holder}){_address(EMBEDDED)}.")
    except Failure as failure:
        say(str(failure))
    except PermissionError as error:
        say(f"{error}\nAn earlier start under another account made it? Then change its owner.")
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    return 1


@dataclass
class Start:
    """One start of everything, from recovering what a killed one left to the last process's end."""

    options: argparse.Namespace
    layout: Layout
    exit_code: int = 0

    def run(self) -> int:
        """Start, run until told to stop (or the check is done), stop; gives the exit code."""
        left = orphans.marked(self.layout.data)
        if left:
            say(f"An earlier start was killed; ending the {len(left)} processes that it left.")
            orphans.end(left + orphans.keepers(left))
        killed = bool(left) or self.layout.running.exists()
        self.layout.running.unlink(missing_ok=True)
        if self.options.fresh:
            discard(self.layout)
        # A fork whose program has ended carries no mark, so that nothing finds it; it holds the port until it has seen
        # that its process manager is gone.
        patience = PORT_SECONDS if killed else 0.0
        with ports.listen_from(self.options.port, patience) as listener, servers(self.layout) as running:
            port = listener.getsockname()[1]
            if port != self.options.port:
                say(f"Port {self.options.port} is taken; using {port}.")
            running.environment.setdefault("INTEGHUB_BASE_URL", f"http://{ports.LOOPBACK}:{port}")
            self._prepare(running)
            self._supervise(running, listener)
        say(f"Stopped. Data and logs stay in {self.layout.data}.")
        return self.exit_code

    def _prepare(self, running: Servers) -> None:
        with stage("Migrations"):
            _manage(running, "migrate", "--no-input")
        if self.options.demo:
            with stage("Demo system") as current:
                current.note(_manage(running, "demo").strip())

    def _supervise(self, running: Servers, listener: socket.socket) -> None:
        demo = self.options.demo
        services = all_services(self.layout, running, listener.fileno(), demo=demo)
        printer = LogPrinter(self.layout.logs, verbose=self.options.verbose)
        watch = Watch(running.embedded)

        def started() -> None:
            watch.start()
            port = listener.getsockname()[1]
            threading.Thread(target=self._when_ready, args=(running, supervisor, port), daemon=True).start()

        supervisor = Supervisor(services, root=ROOT, data=self.layout.data, printer=printer, started=started)
        _write_running(self.layout, running)
        signal.signal(signal.SIGHUP, lambda *_: supervisor.terminate())
        try:
            supervisor.loop()
        finally:
            supervisor.terminate()
            watch.stop()
            self.layout.running.unlink(missing_ok=True)
        if self.options.check and supervisor.returncode:  # honcho's, for a signal
            self.exit_code = 130

    def _when_ready(self, running: Servers, supervisor: Supervisor, port: int) -> None:
        shop = running.shop_ports if self.options.demo else {}
        try:
            with stage("Web, worker, scheduler"):
                ready.wait(port, shop, supervisor.stopping)
        except Failure as failure:
            say(str(failure))
            self.exit_code = 1
            if self.options.check:
                supervisor.terminate()
            return
        if supervisor.stopping.is_set():
            return
        if self.options.check:
            self.exit_code = self._check(running)
            supervisor.terminate()
        else:
            self._greet(running.environment["INTEGHUB_BASE_URL"])

    def _check(self, running: Servers) -> int:
        environment = running.environment | running.shop | {"INTEGHUB_STARTED_AT": str(STARTED)}
        command = (PYTHON, ROOT / "manage.py", "democheck")
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        say(f"{'As designed' if code == 0 else 'NOT as designed'}, {time.time() - STARTED:.1f} s after the start.")
        return code

    def _greet(self, url: str) -> None:
        say(f"\n  IntegHub is ready after {time.time() - STARTED:.1f} s:  {url}")
        if self.options.demo:
            say(f"  Sign in as         {DEMO_SIGN_IN[0]}, password {DEMO_SIGN_IN[1]} (or choose on the page)")
        say(f"  Logs               {self.layout.logs}")
        say("  Stop with          Ctrl-C\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/server", description="Run IntegHub on this machine.")
    parser.add_argument("--check", action="store_true", help="run the demo plan, print what happened, and stop")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="first port to try (default 8000)")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="without the demo team and system")
    parser.add_argument("--fresh", action="store_true", help="delete the embedded data first")
    parser.add_argument("--verbose", action="store_true", help="show the output of every process")
    options = parser.parse_args()
    if options.check and not options.demo:
        parser.error("--check needs the demo system")
    return options


def _manage(running: Servers, *words: str) -> str:
    done = subprocess.run(
        [PYTHON, ROOT / "manage.py", *words], cwd=ROOT, env=running.environment | running.shop,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Failure(f"manage.py {' '.join(words)} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def _write_running(layout: Layout, running: Servers) -> None:
    layout.running.touch(mode=0o600)
    layout.running.write_text(json.dumps(running.environment | running.shop))


def _address(layout: Layout) -> str:
    try:
        return f" at {json.loads(layout.running.read_text())['INTEGHUB_BASE_URL']}"
    except (OSError, ValueError, KeyError):
        return ""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
