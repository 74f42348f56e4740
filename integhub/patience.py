"""How long IntegHub waits for a PostgreSQL or a Redis that says nothing: behind a cut network, nothing ever would.

Three different silences: the other side is gone (TCP finds out: keepalive for who reads, user timeout for who writes),
the other side hangs (time limits of our own), and we hang ourselves while PostgreSQL holds locks for us (it ends such a
session, so that nobody waits behind a worker that was paused or cut off in the middle of a transaction).
"""

import socket
from typing import Any

_IDLE, _INTERVAL, _COUNT = 10, 5, 3  # seconds, seconds, probes: a dead connection is noticed after 25 s
_UNACKNOWLEDGED = 20  # seconds that what was sent may stay without an acknowledgement
_CONNECT = 10  # seconds
_IN_TRANSACTION = 30  # seconds that a session may hold a transaction and ask nothing; below a worker's lease


def postgres(statement_timeout: int) -> dict[str, str | int]:
    """Parameters of a connection; *statement_timeout* is in seconds, 0 for none."""
    ours = {
        "keepalives": 1,
        "keepalives_idle": _IDLE,
        "keepalives_interval": _INTERVAL,
        "keepalives_count": _COUNT,
        "tcp_user_timeout": _UNACKNOWLEDGED * 1000,
        "connect_timeout": _CONNECT,
    }
    servers = {
        "tcp_keepalives_idle": _IDLE,
        "tcp_keepalives_interval": _INTERVAL,
        "tcp_keepalives_count": _COUNT,
        "tcp_user_timeout": _UNACKNOWLEDGED * 1000,
        "idle_in_transaction_session_timeout": _IN_TRANSACTION * 1000,
        "statement_timeout": statement_timeout * 1000,
    }
    return {**ours, "options": " ".join(f"-c {name}={value}" for name, value in servers.items())}


# By name, since not every system has each.
_KEEPALIVE = {
    getattr(socket, name): value
    for name, value in {
        "TCP_KEEPIDLE": _IDLE,
        "TCP_KEEPINTVL": _INTERVAL,
        "TCP_KEEPCNT": _COUNT,
        "TCP_USER_TIMEOUT": _UNACKNOWLEDGED * 1000,
    }.items()
    if hasattr(socket, name)
}

# Of what people and other steps wait for: short, and a page says so or goes without.
REDIS: dict[str, Any] = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "socket_keepalive_options": _KEEPALIVE,
}

# kombu's reader asks for a second at a time. Without a limit, sending to a broker that vanished waits for ever.
BROKER: dict[str, Any] = REDIS | {"socket_timeout": 10, "socket_connect_timeout": 5, "health_check_interval": 10}
