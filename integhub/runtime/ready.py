"""Waits until what was started answers."""

import http.client
import socket
import time
from collections.abc import Mapping

from integhub.runtime.ports import LOOPBACK
from integhub.runtime.progress import Failure
from integhub.runtime.word import Word

READY_SECONDS = 120.0


def wait(web: int, others: Mapping[str, int], stopping: Word) -> None:
    """Return when the web process on port *web* is healthy and each of *others* (name → port) takes connections,
    or *stopping* is set. Raises ``Failure`` naming the ones that do not after two minutes."""
    deadline = time.monotonic() + READY_SECONDS
    while not stopping.is_set():
        missing = [name for name, port in others.items() if not _listens(port)]
        if not _healthy(web):
            missing.append("web")
        if not missing:
            return
        if time.monotonic() > deadline:
            raise Failure(f"No answer after {READY_SECONDS:.0f} s from: {', '.join(missing)}. See their logs.")
        stopping.wait(0.1)


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/health/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True
