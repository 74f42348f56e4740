"""Runs the processes: honcho starts them and carries their output; this keeps them running.

honcho ends everything when one process ends. Here each of its processes starts its program again, with
growing pauses, until told to stop, and ends it too when the process manager itself is killed.
"""

import multiprocessing
import os
import shlex
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from logging import LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, BinaryIO

from honcho.manager import SYSTEM_PRINTER_NAME, Manager
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

from integhub.runtime.orphans import MARK
from integhub.runtime.progress import say
from integhub.runtime.services import Service
from integhub.runtime.word import Word

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
STEADY_SECONDS = 30.0  # a program that ran for so long starts again after the first pause
GRACE_SECONDS = 10.0  # between asking a program to end and killing it
LOG_BYTES = 10_000_000
LINES_SHOWN = 12
NEWS = "integhub"  # name under which news of a process travel to the terminal


class KeptProcess(Process):  # type: ignore[misc]  # honcho has no types
    """One program, started again whenever it ends by itself."""

    descriptors: tuple[int, ...] = ()
    stopping: Word

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Body of the process that honcho forks for this program."""
        # Not SIG_IGN, which the programs would inherit.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self._events = events
        self._parent = os.getppid()
        threading.Thread(target=self._end_when_told, daemon=True).start()
        pause = FIRST_PAUSE
        while not self._over():
            started = time.monotonic()
            code = self._run_once()
            if self._over():
                break
            pause = FIRST_PAUSE if time.monotonic() - started > STEADY_SECONDS else pause
            self._report(f"{self.name} ended by itself ({_reason(code)}); starting it again in {pause:g} s")
            self.stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        if os.getppid() != self._parent:
            os._exit(1)  # nobody reads the queue any more, and an orderly end would wait for that
        self._send_message({"returncode": 0}, type="stop")

    def _run_once(self) -> int:
        child = Popen(self.cmd, env=self.env, cwd=self.cwd, pass_fds=self.descriptors)
        self._child = child
        self._send_message({"pid": child.pid}, type="start")
        reader = threading.Thread(target=self._read, args=(child.stdout,), daemon=True)
        reader.start()
        code = int(child.wait())
        _signal_group(child.pid, signal.SIGKILL)  # what it left must not work beside its successor
        reader.join(GRACE_SECONDS)
        return code

    def _read(self, output: BinaryIO) -> None:
        for line in iter(output.readline, b""):
            self._send_message(line)

    def _over(self) -> bool:
        return self.stopping.is_set() or os.getppid() != self._parent

    def _end_when_told(self) -> None:
        while not self._over():
            self.stopping.wait(0.5)
        asked: int | None = None
        deadline = 0.0
        while True:  # a program that was just being started when the word came is found on the next round
            child = self._child
            if child is not None and child.pid != asked:
                # Only the program itself: Celery's pool would drop its tasks if it were asked directly.
                asked, deadline = child.pid, time.monotonic() + GRACE_SECONDS
                child.terminate()
            elif child is not None and time.monotonic() > deadline:
                _signal_group(child.pid, signal.SIGKILL)
            time.sleep(0.1)

    def _report(self, text: str) -> None:
        now = self._clock.now()
        self._events.put(Message(type="line", data=f"{self.name}\n{text}", time=now, name=NEWS, colour=None))


class Supervisor(Manager):  # type: ignore[misc]
    """honcho's manager over kept processes; ``loop`` returns once ``terminate`` was called, by a signal or
    by another thread, and every process has ended. *started* is called once all are on their way."""

    def __init__(
        self,
        services: Iterable[Service],
        *,
        root: Path,
        data: Path,
        printer: Printer,
        started: Callable[[], None] = lambda: None,
    ) -> None:
        # The processes inherit the listening socket, which no other way of starting them passes on.
        multiprocessing.set_start_method("fork", force=True)
        super().__init__(printer)
        self._process_ctor = KeptProcess
        self._started = started
        self.stopping = Word()
        for service in services:
            environment = service.environment | {MARK: str(data.resolve())}
            command = f"exec {shlex.join(service.command)}"
            process = self.add_process(service.name, command, env=environment, cwd=str(root))
            process.descriptors = service.descriptors
            process.stopping = self.stopping

    def terminate(self) -> None:
        """Tell every process to end its program. May be called from a signal handler."""
        self._terminating = True
        self.stopping.set()

    def kill(self) -> None:
        """Each process kills its own program after ``GRACE_SECONDS``; there is nothing to hurry here."""

    def _start(self) -> None:
        super()._start()
        self._started()  # only now may there be threads: a process forked beside them could hang

    def _all_started(self) -> bool:
        return True  # one that was told to stop before it began never says that it started

    def _all_stopped(self) -> bool:
        # One that was killed from outside cannot say that it stopped.
        return all("returncode" in one or not one["process"].is_alive() for one in self._processes.values())


class LogPrinter(Printer):  # type: ignore[misc]
    """Writes the output of each process into its own file in *folder*, and news of them to the terminal."""

    def __init__(self, folder: Path, *, verbose: bool) -> None:
        super().__init__()
        self._folder = folder
        self._verbose = verbose
        self._files: dict[str, RotatingFileHandler] = {}
        self._recent: dict[str, deque[str]] = {}
        self._shown: set[str] = set()

    def write(self, message: Message) -> None:
        """Take one of honcho's messages."""
        text = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
        if message.name == NEWS:
            self._tell(*text.split("\n", 1))
        elif message.name != SYSTEM_PRINTER_NAME:
            self._keep(message.name, text.rstrip("\n"))
            if self._verbose:
                super().write(message)

    def _keep(self, name: str, line: str) -> None:
        if name not in self._files:
            self._files[name] = RotatingFileHandler(
                self._folder / f"{name}.log", maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
            )
        self._files[name].emit(LogRecord(name, 20, "", 0, "%s", (line,), None))
        self._recent.setdefault(name, deque(maxlen=LINES_SHOWN)).append(line)

    def _tell(self, name: str, text: str) -> None:
        say(text)
        if self._verbose or name in self._shown:
            return
        self._shown.add(name)  # once: what keeps ending mostly keeps saying the same
        for line in self._recent.get(name, ()):
            say(f"  {line}")
        say(f"  … all of it: {self._folder / name}.log")


def _signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return


def _reason(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
