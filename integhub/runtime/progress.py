"""Progress on the terminal: one line per stage, with a tick and the seconds that it took."""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TICK, CROSS, DOT = "✓", "✗", "·"
REDRAW = 0.25  # seconds between updates of the line on a terminal
HEARTBEAT = 15.0  # seconds between signs of life where lines cannot be redrawn (CI logs)


class Failure(Exception):
    """A stage that could not be done; the message tells the person what to do about it."""


class Stage:
    """The stage under way: ``step`` says what happens now, ``note`` what stands on the final line."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.now = ""
        self.result = ""
        self.started = time.monotonic()

    def step(self, text: str) -> None:
        """Show *text* behind the title while the stage runs."""
        self.now = text

    def note(self, text: str) -> None:
        """Show *text* behind the title when the stage is done."""
        self.result = text

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def line(self, mark: str, text: str) -> str:
        """The stage as one line of the terminal."""
        return f"{mark} {self.title:<22} {self.seconds:>6.1f} s  {text}".rstrip()


def say(text: str = "") -> None:
    """Print *text* whatever the encoding of the terminal."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


@contextmanager
def stage(title: str) -> Iterator[Stage]:
    """Show the work done inside the ``with`` as one line; it ends in a tick, or a cross when it raises."""
    current = Stage(title)
    finished = threading.Event()
    painter = threading.Thread(target=_paint, args=(current, finished), daemon=True)
    painter.start()
    mark = CROSS
    try:
        yield current
        mark = TICK
    finally:
        finished.set()
        painter.join()
        say(_erase() + current.line(mark, current.result))


def _paint(current: Stage, finished: threading.Event) -> None:
    interactive = sys.stdout.isatty()
    while not finished.wait(REDRAW if interactive else HEARTBEAT):
        line = current.line(DOT, current.now)
        if interactive:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write(_erase() + line[:width])
            sys.stdout.flush()
        else:
            say(line)


def _erase() -> str:
    return "\r\033[K" if sys.stdout.isatty() else ""
