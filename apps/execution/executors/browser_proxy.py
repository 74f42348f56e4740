"""The only way from a browser to the network: a proxy on loopback that connects to addresses that were checked.

A browser resolves names, follows redirects and opens connections by itself, so nothing that looks at its requests
from outside can say where they really go. It is therefore told to send everything to this proxy, and to resolve
nothing; here each name is resolved once, the address is checked, and that address is connected to.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from apps.execution.engine.egress import EgressDenied, EgressPolicy

REFUSED = "integhub-refused"
"""A header of the answers that the proxy itself gives."""
_HEAD = 65_536  # bytes of the head of a request or answer
_PART = 65_536
_PATIENCE = 60.0  # seconds for a head, and for connecting
_OF_THE_HOP = (b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization")
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Refusal(Exception):
    """What the proxy answers by itself."""

    def __init__(self, status: str, text: str) -> None:
        self.status = status
        super().__init__(text)


@dataclass(slots=True)
class CheckedProxy:
    """Serves one session of one case until it is closed. *traceparent* goes along with requests without TLS."""

    egress: EgressPolicy
    limit: int
    """Bytes that may come in all."""
    traceparent: str = ""
    refused: list[str] = field(default_factory=list)
    """Why connections were refused, each reason once."""
    received: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> Self:
        """Listen on a free port of loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD)
        return self

    @property
    def url(self) -> str:
        """Its address."""
        assert self._server is not None  # noqa: S101
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """End every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._tasks.add(task)
        try:
            await self._exchange((reader, writer))
        except _Refusal as refusal:
            await _answer(writer, refusal)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # one of the two went away, or sent something that is no HTTP: the other one sees the end
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, browser: Streams) -> None:
        """One request, or one tunnel; then the connection ends."""
        async with asyncio.timeout(_PATIENCE):
            head = await browser[0].readuntil(b"\r\n\r\n")
        line, _, fields = head.partition(b"\r\n")
        method, target, _version = line.decode("ascii").split(" ")
        if method == "CONNECT":
            host, port = _authority("//" + target, 443)
            async with self._connected(host, port) as server:
                browser[1].write(_ESTABLISHED)
                await self._pipe(browser, server)
            return
        if not target.startswith("http://"):
            raise _Refusal("400 Bad Request", "This is a proxy: it takes requests for http:// addresses.")
        host, port = _authority(target, 80)
        parts = urlsplit(target)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        extra = [f"traceparent: {self.traceparent}".encode()] if self.traceparent else []
        async with self._connected(host, port) as server:
            server[1].write(_head(f"{method} {path} HTTP/1.1".encode(), fields, extra))
            await self._pipe(browser, server, answers=True)

    def _connected(self, host: str, port: int) -> "_Connection":
        return _Connection(self, host, port)

    async def connect(self, host: str, port: int) -> Streams:
        """A connection to *host*, at an address that may be reached. Raises ``_Refusal``."""
        try:
            async with asyncio.timeout(_PATIENCE):
                addresses = await self.egress.resolve(host, port)
                return await _first(addresses, port)
        except EgressDenied as error:
            self._note(str(error))
            raise _Refusal("403 Forbidden", str(error)) from None
        except (OSError, UnicodeError, TimeoutError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise _Refusal("502 Bad Gateway", f"{host}:{port} cannot be reached: {why}") from None

    def _note(self, text: str) -> None:
        if text not in self.refused and len(self.refused) < 20:
            self.refused.append(text)

    async def _pipe(self, browser: Streams, server: Streams, *, answers: bool = False) -> None:
        """Carry both directions until one of the two ends."""
        ways = [
            asyncio.create_task(_copy(browser[0], server[1])),
            asyncio.create_task(self._back(server[0], browser[1], answers=answers)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _back(self, server: asyncio.StreamReader, browser: asyncio.StreamWriter, *, answers: bool) -> None:
        if answers:
            await self._answer_heads(server, browser)
        await _copy(server, browser, self._count)

    async def _answer_heads(self, server: asyncio.StreamReader, browser: asyncio.StreamWriter) -> None:
        """Pass on the head of the answer, saying that the connection ends with it: it carries one request."""
        while True:
            head = await server.readuntil(b"\r\n\r\n")
            line, _, fields = head.partition(b"\r\n")
            interim = line.split(b" ", 2)[1:2][0][:1] == b"1" if line.startswith(b"HTTP/") else False
            browser.write(head if interim else _head(line, fields, []))
            if not interim:
                return

    def _count(self, size: int) -> None:
        self.received += size
        if self.received > self.limit:
            self._note(f"the pages of this case loaded more than {self.limit} bytes: their connections are cut")
            raise OSError("more than may be loaded")


@dataclass(slots=True)
class _Connection:
    """``async with``: a connection that is closed at the end."""

    proxy: CheckedProxy
    host: str
    port: int
    streams: Streams | None = None

    async def __aenter__(self) -> Streams:
        self.streams = await self.proxy.connect(self.host, self.port)
        return self.streams

    async def __aexit__(self, *_: object) -> None:
        if self.streams is not None:
            self.streams[1].close()


async def _first(addresses: list[str], port: int) -> Streams:
    """A connection to the first of *addresses* that answers."""
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(address, port, limit=_HEAD)
    return await asyncio.open_connection(addresses[-1], port, limit=_HEAD)


def _authority(url: str, port: int) -> tuple[str, int]:
    parts = urlsplit(url)
    if not parts.hostname:
        raise _Refusal("400 Bad Request", "There is no host in the address.")
    return parts.hostname, parts.port or port


def _head(line: bytes, fields: bytes, extra: list[bytes]) -> bytes:
    """A head of *line* and *fields* for one request on one connection."""
    kept = [one for one in fields.split(b"\r\n") if one and one.partition(b":")[0].strip().lower() not in _OF_THE_HOP]
    return b"\r\n".join([line, *kept, *extra, b"Connection: close", b"", b""])


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: Callable[[int], object] = abs) -> None:
    while part := await source.read(_PART):
        count(len(part))
        sink.write(part)
        await sink.drain()


async def _answer(writer: asyncio.StreamWriter, refusal: _Refusal) -> None:
    text = str(refusal).encode()
    head = (
        f"HTTP/1.1 {refusal.status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(text)}\r\n"
        f"{REFUSED}: 1\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError):
        writer.write(head.encode() + text)
        await writer.drain()
