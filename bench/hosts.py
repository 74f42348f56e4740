"""Machines of workers on this machine: a network that can be cut, a disk that fills up, a clock that can be set.

Where the system allows it (root, ``ip``, ``unshare``), a host has a network and a file system of its own. Elsewhere its
worker reaches the servers through a process that can be stopped, and its disk is this machine's.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from integhub.runtime.layout import ROOT

SERVERS = ("DATABASE_URL", "REDIS_URL")
CABLE, SERVER, WORKER = "cable", "10.213.0.1", "10.213.0.2"  # in networks of which nobody else knows
FAKETIME = "faketime/libfaketimeMT.so.1"  # Debian's package faketime
# It takes the time by which a sleep ends for one of the clock that it changes, and ends the process that sleeps.
SLEEP = """import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


@cache
def namespaces() -> bool:
    """Whether hosts may have networks and file systems of their own here."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare", "nsenter", "mount"))):
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode == 0


@cache
def faketime() -> Path | None:
    """The library that shows another time to a process."""
    return next((found for lib in ("/usr/lib", "/usr/local/lib") for found in Path(lib).glob(f"**/{FAKETIME}")), None)


class Host:
    """``with Host(0, environment, folder, media) as host:`` – *environment* of a worker there, *inside* its command.

    *number* tells hosts apart; *media* is the folder of artifacts, on a disk of *disk* bytes where that is possible;
    with *clock*, its worker has one of its own.
    """

    def __init__(
        self, number: int, environment: dict[str, str], folder: Path, media: Path, disk: int = 0, *, clock: bool = False
    ) -> None:
        self._media, self._disk, self._has_clock = media, disk, clock and faketime() is not None
        self._clock = folder / f"clock{number}"
        self.environment = dict(environment)
        self.inside: list[str] = []
        self._holder: subprocess.Popen[str] | None = None
        self._between: subprocess.Popen[str] | None = None  # holds the network on our end of the host's cable
        self._forwarder: subprocess.Popen[str] | None = None
        self._targets = [urlsplit(environment[name]).port or 0 for name in SERVERS]
        self._listening = [0] * len(SERVERS)
        self._stack = ExitStack()

    def __enter__(self) -> "Host":
        with ExitStack() as stack:
            if namespaces():
                self._hold(stack)
            self._forward()
            stack.callback(self._end_forwarder)
            if self._has_clock:
                self._clock.write_text("+0")
                self._customise()
                self.environment |= {
                    "LD_PRELOAD": str(faketime()),
                    "FAKETIME_TIMESTAMP_FILE": str(self._clock),
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "FAKETIME_CACHE_DURATION": "1",
                }
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- what befalls it ---------------------------------------------------------------------------

    def cut(self) -> None:
        """From now on nothing comes through, and nobody is told."""
        if self._between:
            _run(*_inside(self._between), "ip", "link", "set", CABLE, "down")
        elif self._forwarder:
            self._forwarder.send_signal(signal.SIGSTOP)

    def mend(self) -> None:
        """It comes through again; what was sent meanwhile may still arrive."""
        if self._between:
            _run(*_inside(self._between), "ip", "link", "set", CABLE, "up")
        elif self._forwarder:
            self._forwarder.send_signal(signal.SIGCONT)

    def reset(self) -> None:
        """Every connection to the servers is broken off; new ones are possible at once."""
        self._end_forwarder()
        self._forward()

    def set_clock(self, days: int) -> None:
        """The wall clock of the worker jumps to *days* from now."""
        self._clock.write_text(f"{days:+d}d")

    def has_file(self, name: str, size: int) -> bool:
        """Whether the file *name* of the artifacts is there with all its bytes."""
        file = self._root / self._media.relative_to("/") / name
        return file.is_file() and file.stat().st_size == size

    # -- how it is made ----------------------------------------------------------------------------

    @property
    def _root(self) -> Path:
        return Path(f"/proc/{self._holder.pid}/root") if self._holder else Path("/")

    def _hold(self, stack: ExitStack) -> None:
        """A network and a file system for the worker, and a network between it and ours.

        A cable that ended in this machine's own network would be heard of by everybody: browsers that run beside give
        up what they are loading when a network comes or goes.
        """
        self._holder, self._between = _held(stack, "--net", "--mount"), _held(stack, "--net")
        self.inside = [*_inside(self._holder), "--mount", f"--wd={ROOT}"]
        between = _inside(self._between)
        peer = ("peer", "name", CABLE, "netns", str(self._holder.pid))
        _run(*between, "ip", "link", "add", CABLE, "type", "veth", *peer)
        for side, address in ((between, f"{SERVER}/30"), (self.inside, f"{WORKER}/30")):
            _run(*side, "ip", "address", "add", address, "dev", CABLE)
            for device in ("lo", CABLE):
                _run(*side, "ip", "link", "set", device, "up")
        if self._disk:
            _run(*self.inside, "mount", "-t", "tmpfs", "-o", f"size={self._disk}", "tmpfs", str(self._media))

    def _customise(self) -> None:
        folder = self._clock.with_suffix(".python")
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(SLEEP)
        self.environment["PYTHONPATH"] = f"{folder}{os.pathsep}{self.environment['PYTHONPATH']}"

    def _forward(self) -> None:
        """Start the forwarder: at first on any ports, later on the same ones."""
        host = SERVER if self._between else "127.0.0.1"
        there, ours = (_inside(self._between), f"/proc/{os.getpid()}/ns/net") if self._between else ([], "")
        pairs = [f"{listen}={target}" for listen, target in zip(self._listening, self._targets, strict=True)]
        command = [*there, sys.executable, "-m", "bench.forward", ours, host, *pairs]
        self._forwarder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._forwarder.stdout is not None
        self._listening = [int(port) for port in self._forwarder.stdout.readline().split()]
        for name, port in zip(SERVERS, self._listening, strict=True):
            parts = urlsplit(self.environment[name])
            place = f"{parts.netloc.rpartition('@')[0]}@{host}:{port}"
            self.environment[name] = parts._replace(netloc=place).geturl()

    def _end_forwarder(self) -> None:
        if self._forwarder:
            with suppress(ProcessLookupError):
                self._forwarder.kill()
            self._forwarder.wait(10)


def _held(stack: ExitStack, *kinds: str) -> subprocess.Popen[str]:
    """A process that holds namespaces of *kinds*, and ends with this one: then they are gone, whatever happened."""
    holder = subprocess.Popen(
        ["unshare", *kinds, "sh", "-c", "echo held; cat >/dev/null"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    stack.callback(_release, holder)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder


def _release(holder: subprocess.Popen[str]) -> None:
    if holder.stdin:
        holder.stdin.close()
    holder.wait(10)


def _inside(holder: subprocess.Popen[str]) -> list[str]:
    return ["nsenter", f"--target={holder.pid}", "--net"]


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def missing() -> Sequence[str]:
    """What cannot befall a host here, for who must say so."""
    found = [] if namespaces() else ["a full disk and a network that loses everything (they need root and ip)"]
    return [*found, *([] if faketime() else ["a clock that jumps (it needs the package faketime)"])]
