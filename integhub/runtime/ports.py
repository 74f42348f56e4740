"""Free ports on loopback, so that any number of starts stand beside each other."""

import errno
import json
import random
import socket
import time
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the range from which systems take ports for outgoing connections (32768 and up on Linux, 49152 on
# macOS): a port kept from an earlier start is then not lost to some passing connection.
KEPT_PORTS = range(20_000, 32_000)
WEB_PORTS_TRIED = 100


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; raises ``OSError`` when *port* is taken or not allowed."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Without it a port is refused for a minute after its last connection was closed.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def listen_from(port: int, patience: float = 0.0) -> socket.socket:
    """A listening socket on *port*, for which it waits up to *patience* seconds, or on the next free one. It stays
    open, so nobody can take the port between looking and using. Raises ``OSError`` when a hundred are taken."""
    deadline = time.monotonic() + patience
    while not is_free(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    for candidate in range(port, min(port + WEB_PORTS_TRIED, 65_536)):
        try:
            return listen(candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"ports {port} to {port + WEB_PORTS_TRIED - 1} are all taken")


def is_free(port: int) -> bool:
    """Whether somebody could listen on *port* of loopback now."""
    try:
        listen(port).close()
    except OSError:
        return False
    return True


def keep(path: Path, names: Iterable[str]) -> dict[str, int]:
    """A free port for each of *names*: the one that the file *path* remembers where it is still free."""
    remembered = _remembered(path)
    chosen: dict[str, int] = {}
    for name in names:
        port = remembered.get(name)
        if port is None or port in chosen.values() or not is_free(port):
            port = _choose({*chosen.values(), *remembered.values()})
        chosen[name] = port
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(remembered | chosen, indent=2))
    fresh.replace(path)
    return chosen


def _remembered(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {name: port for name, port in found.items() if port in KEPT_PORTS} if isinstance(found, dict) else {}


def _choose(taken: set[int]) -> int:
    for port in random.sample(KEPT_PORTS, k=500):
        if port not in taken and is_free(port):
            return port
    raise OSError(errno.EADDRINUSE, "no free port between 20000 and 32000")
