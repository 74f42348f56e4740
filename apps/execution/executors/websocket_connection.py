"""Opening a WebSocket: to a permitted address, with each part of the time told apart."""

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from apps.execution.engine.egress import EgressPolicy

CLOSING = 1.0  # seconds that the other side has to answer a close


class Opening(connect):
    """Connects to a permitted address of *url* and shakes hands; ``timings`` are milliseconds.

    A redirect is an answer like any other: it is not followed.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Sequence[tuple[str, str]],
        subprotocols: Sequence[str],
        context: ssl.SSLContext | None,
        egress: EgressPolicy,
        largest: int,
    ) -> None:
        super().__init__(
            url,
            additional_headers=list(headers),
            user_agent_header=None,  # it is among the headers
            subprotocols=list(subprotocols) or None,  # type: ignore[arg-type]
            proxy=None,  # a proxy of the worker's environment would hide the address
            open_timeout=None,
            close_timeout=CLOSING,
            max_size=largest,
        )
        if context is not None:
            self.create_connection_kwargs["ssl"] = context
        self._egress = egress
        self.timings: dict[str, float] = {}
        self._clock = time.perf_counter()

    def lap(self, name: str) -> None:
        """What was done since the last call is the part *name* of the time."""
        now = time.perf_counter()
        self.timings[name] = (now - self._clock) * 1000
        self._clock = now

    async def open_tcp_connection(self) -> ClientConnection:
        """Called by ``connect`` before the handshake."""
        self._clock = time.perf_counter()
        addresses = await self._egress.resolve(self.ws_uri.host, self.ws_uri.port)
        self.lap("dns")
        self.create_connection_kwargs["sock"] = await _first_that_answers(addresses, self.ws_uri.port)
        self.lap("connect")
        connection = await super().open_tcp_connection()
        if self.ws_uri.secure:
            self.lap("tls")
        return connection

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Called by ``connect`` when the handshake failed."""
        return exc


async def _first_that_answers(addresses: Sequence[str], port: int) -> socket.socket:
    """A connection to the first of *addresses* that takes one. Raises what the last one said."""
    failure: OSError = OSError("the name has no address")
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(made, (address, port))
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure


def headers_of(response: Any) -> dict[str, str]:
    """The headers of a handshake, repeated ones joined."""
    found: dict[str, str] = {}
    for name, value in response.headers.raw_items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
