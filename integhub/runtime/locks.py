"""One at a time, across processes: advisory locks that the kernel gives back when their holder dies."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Another process holds the lock; ``holder`` is its process id as text, or empty."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is held by process {holder or 'unknown'}")
        self.holder = holder


@contextmanager
def exclusive(path: Path, *, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock file *path*. When it is taken: raise :class:`Busy`, or, where *on_wait* is given,
    call it with the holder's process id and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    owner = os.getpid()

    def let_go_after_fork() -> None:
        # A forked child shares the lock; without this it would keep it after the holder has died.
        nonlocal owner
        if owner:
            os.close(descriptor)
            owner = 0

    try:
        _take(descriptor, path, on_wait)
        os.register_at_fork(after_in_child=let_go_after_fork)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(owner).encode(), 0)
        yield
    finally:
        if owner == os.getpid():
            os.close(descriptor)
            owner = 0


def _take(descriptor: int, path: Path, on_wait: Callable[[str], None] | None) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = path.read_text()
        if on_wait is None:
            raise Busy(path, holder) from None
        on_wait(holder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
