"""What stands between and beside web servers: HTTP/2, client certificates, proxies, streams, cookies."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.execution.executors.servers.certificates import Authority

T = TypeVar("T")


class InThread:
    """An event loop in a thread of its own, for servers beside the loop under test."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* there to its end."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def stop(self) -> None:
        """End what still runs there."""
        self.do(_cancel_others())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture
def thread() -> Iterator[InThread]:
    running = InThread()
    yield running
    running.stop()


# -- HTTP/2 ------------------------------------------------------------------------------------------


@dataclass
class Http2Server:
    """Where an HTTP/2 server is: with TLS, and without."""

    tls_url: str
    url: str


async def _tell_version(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application: which version the request came by."""
    if scope["type"] != "http":
        return
    body = f'{{"version": "{scope["http_version"]}"}}'.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def http2_server(thread: InThread, authority: Authority, tmp_path: Path) -> Http2Server:
    tls, plain = _listening(), _listening()
    config = Config()
    config.bind, config.insecure_bind = [f"fd://{tls.fileno()}"], [f"fd://{plain.fileno()}"]
    pem = str(authority.issue("localhost", tmp_path))
    config.certfile = config.keyfile = pem
    config.errorlog = config.accesslog = None
    config.graceful_timeout = 0.1
    ended = asyncio.Event()
    asyncio.run_coroutine_threadsafe(serve(_tell_version, config, shutdown_trigger=ended.wait), thread.loop)
    ports = [one.getsockname()[1] for one in (tls, plain)]
    for one in (tls, plain):
        one.detach()  # the server closes them
    return Http2Server(f"https://localhost:{ports[0]}", f"http://127.0.0.1:{ports[1]}")


def _listening() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.set_inheritable(True)
    return listening


# -- mutual TLS --------------------------------------------------------------------------------------


@pytest.fixture
def mutual_url(thread: InThread, authority: Authority, tmp_path: Path) -> str:
    """A server that tells who the client is, and lets nobody in without a certificate of *authority*."""

    async def who(request: web.Request) -> web.Response:
        assert request.transport is not None
        certificate = request.transport.get_extra_info("peercert")
        return web.json_response({"client": dict(part[0] for part in certificate["subject"])["commonName"]})

    async def start() -> str:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(authority.issue("localhost", tmp_path))
        return await _start({"/who": who}, "https://localhost", ssl_context=context)

    return thread.do(start())


async def _start(routes: dict[str, Any], base: str, **more: Any) -> str:
    app = web.Application()
    for path, handler in routes.items():
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, **more).start()
    return f"{base}:{runner.addresses[0][1]}"


# -- a proxy -----------------------------------------------------------------------------------------


@dataclass
class Proxy:
    """A small HTTP proxy: passes on requests and tunnels; *seen* holds the first lines it got."""

    url: str = ""
    seen: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            self.seen.append(first)
            self.credentials += [line.partition(": ")[2] for line in lines if line.startswith("Proxy-Authorization")]
            method, target, _version = first.split(" ")
            if method == "CONNECT":
                host, _, port = target.partition(":")
                other = await asyncio.open_connection("127.0.0.1" if host == "localhost" else host, int(port))
                writer.write(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
            else:
                host, _, rest = target.removeprefix("http://").partition("/")
                name, _, port = host.partition(":")
                other = await asyncio.open_connection(name, int(port or 80))
                kept = [line for line in lines if line and not line.lower().startswith(("proxy-", "connection"))]
                sent = [f"{method} /{rest} HTTP/1.1", *kept, "Connection: close", "", ""]
                other[1].write("\r\n".join(sent).encode("latin-1"))
            await asyncio.gather(pass_on(reader, other[1]), pass_on(other[0], writer))
        writer.close()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What *reader* gets, until it ends."""
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


@pytest.fixture
def proxy(thread: InThread) -> Proxy:
    made = Proxy()
    server = thread.do(asyncio.start_server(made.serve, "127.0.0.1", 0))
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    return made


@dataclass
class SocksProxy:
    """A small SOCKS5 proxy: *asked* holds what it was asked for, names or addresses; all is on this machine."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            _version, methods = await reader.readexactly(2)
            await reader.readexactly(methods)
            writer.write(b"\x05\x00")
            *_connect, kind = await reader.readexactly(4)
            if kind == 3:
                (size,) = await reader.readexactly(1)
                place = (await reader.readexactly(size)).decode()
            else:
                place = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
            self.asked.append(place)
            other = await asyncio.open_connection("127.0.0.1", int.from_bytes(await reader.readexactly(2)))
            writer.write(b"\x05\x00\x00\x01" + bytes(6))
            await asyncio.gather(pass_on(reader, other[1]), pass_on(other[0], writer))
        writer.close()


@pytest.fixture
def socks_proxy(thread: InThread) -> SocksProxy:
    made = SocksProxy()
    server = thread.do(asyncio.start_server(made.serve, "127.0.0.1", 0))
    made.url = f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    return made


# -- streams and cookies -----------------------------------------------------------------------------


@dataclass
class Streams:
    """Streams that never end by themselves, unless asked to; *open* counts those being read."""

    url: str = ""
    open: int = 0

    async def sse(self, request: web.Request) -> web.StreamResponse:
        """Events 1, 2, 3 … every 20 ms, with every odd thing that the standard allows."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        self.open += 1
        try:
            await response.write(b": hello\r\nretry: 10\r\n\r\n")
            for number in range(1, 1 + int(request.query.get("count", "100000"))):
                await asyncio.sleep(float(request.query.get("every", "0.02")))
                await response.write(f'id: {number}\nevent: tick\ndata: {{"n": {number},\nda'.encode())
                await asyncio.sleep(0)
                await response.write('ta:  "word": "grüße"}\r\n\r\n'.encode())
        except ConnectionError:
            pass
        finally:
            self.open -= 1
        return response

    async def lines(self, request: web.Request) -> web.StreamResponse:
        """Three lines of JSON; the last has no end."""
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(b'{"n": 1}\n\n{"n": ')
        await asyncio.sleep(0.02)
        await response.write(b'2, "state": "paid"}\nplain')
        return response


@pytest.fixture
def streams(thread: InThread) -> Streams:
    made = Streams()
    made.url = thread.do(_start({"/sse": made.sse, "/lines": made.lines}, "http://127.0.0.1"))
    return made


@pytest.fixture
def cookie_url(thread: InThread) -> str:
    """A server that gives cookies and tells which ones came."""

    async def sign_in(request: web.Request) -> web.Response:
        response = web.json_response({})
        response.set_cookie("session", request.query.get("as", "ann"), path="/", httponly=True)
        response.set_cookie("admin", "1", path="/admin")
        return response

    async def enter(request: web.Request) -> web.Response:
        response = web.Response(status=302, headers={"Location": "/seen"})
        response.set_cookie("entered", "yes")
        return response

    async def sign_out(request: web.Request) -> web.Response:
        response = web.json_response({})
        response.del_cookie("session", path="/")
        return response

    async def seen(request: web.Request) -> web.Response:
        return web.json_response(dict(request.cookies))

    routes = {"/in": sign_in, "/enter": enter, "/out": sign_out, "/seen": seen, "/admin/seen": seen}
    return thread.do(_start(routes, "http://127.0.0.1"))
