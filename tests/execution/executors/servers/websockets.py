"""A WebSocket server that does as it is told."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.web import InThread


@dataclass
class SocketServer:
    """Where the server is. *requests* are the handshakes, *received* what was sent to it."""

    url: str = ""
    tls_url: str = ""
    requests: list[Request] = field(default_factory=list)
    received: list[str | bytes] = field(default_factory=list)
    closed: list[int | None] = field(default_factory=list)

    async def talk(self, connection: ServerConnection) -> None:
        """Greets, then does what each message says; anything else comes back."""
        with contextlib.suppress(ConnectionClosed):
            await self._answer(connection)
        self.closed.append(connection.close_code)

    async def _answer(self, connection: ServerConnection) -> None:
        await connection.send(json.dumps({"hello": True}))
        async for message in connection:
            self.received.append(message)
            order = json.loads(message) if isinstance(message, str) and message.startswith("{") else {}
            if "ticks" in order:
                for number in range(order["ticks"]):
                    await asyncio.sleep(order.get("every", 0.01))
                    await connection.send(json.dumps({"tick": number, "state": "paid" if number == 2 else "placed"}))
            elif "close" in order:
                await connection.close(order["close"], order.get("reason", ""))
            elif "vanish" in order:
                connection.transport.abort()
            else:
                await connection.send(message)

    async def look(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuses some paths."""
        self.requests.append(request)
        if request.path == "/private":
            return Response(401, "Unauthorized", Headers({"WWW-Authenticate": "Bearer"}), b"sign in first")
        if request.path.startswith("/to?"):
            return Response(302, "Found", Headers({"Location": request.path.partition("?")[2]}))
        return None


@pytest.fixture
def socket_server(thread: InThread, authority: Authority, tmp_path: Path) -> SocketServer:
    server = SocketServer()
    thread.do(_start(server, authority, tmp_path))
    return server


async def _start(server: SocketServer, authority: Authority, folder: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(authority.issue("localhost", folder))
    options: dict[str, Any] = {
        "process_request": server.look,
        "select_subprotocol": _first_known,
        "close_timeout": 0.2,
    }
    plain = await serve(server.talk, "127.0.0.1", 0, **options)  # type: ignore[arg-type]
    secure = await serve(server.talk, "127.0.0.1", 0, ssl=context, **options)  # type: ignore[arg-type]
    server.url = f"ws://127.0.0.1:{next(iter(plain.sockets)).getsockname()[1]}"
    server.tls_url = f"wss://localhost:{next(iter(secure.sockets)).getsockname()[1]}"


def _first_known(connection: ServerConnection, offered: Sequence[Any]) -> Any:
    """The client's wish decides; without any, it may do without."""
    return next((name for name in offered if name in ("orders.v1", "orders.v2")), None)
