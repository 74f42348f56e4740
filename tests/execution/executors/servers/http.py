"""A real HTTP server with every way to behave badly, plain and with TLS by an authority of its own."""

import asyncio
import base64
import contextlib
import ssl
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import BodyPartReader, web

from tests.execution.executors.servers.certificates import Authority

PART = b"x" * 65536


@dataclass
class HttpServer:
    """Where the server is, and what came there. *sent* counts the bytes of the endless body."""

    url: str = ""
    tls_url: str = ""
    ca_pem: str = ""
    requests: list[web.Request] = field(default_factory=list)
    sent: int = 0
    calls: dict[str, int] = field(default_factory=dict)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/echo", self.echo)
        app.router.add_get("/slow", self.slow)
        app.router.add_get("/slow-body", self.slow_body)
        app.router.add_get("/big", self.big)
        app.router.add_get("/redirect", self.redirect)
        app.router.add_post("/redirect-post", self.redirect)
        app.router.add_get("/endless", self.endless)
        app.router.add_post("/again", self.again)
        app.router.add_post("/parts", self.parts)
        app.router.add_get("/bomb", self.bomb)
        app.router.add_get("/status/{status}", self.status)
        app.router.add_get("/third-time/{key}", self.third_time)
        app.router.add_get("/text", self.text)
        app.router.add_get("/raw/{name}", self.raw)
        return app

    async def echo(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        body = await request.text()
        answer = {
            "method": request.method,
            "query": {name: request.query.getall(name) for name in request.query},
            "headers": dict(request.headers),
            "body": body,
        }
        return web.json_response(answer, headers={"X-Seen": "one", "Location": "/orders/7"})

    async def slow(self, request: web.Request) -> web.Response:
        await asyncio.sleep(float(request.query["seconds"]))
        return web.json_response({"done": True})

    async def slow_body(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        await asyncio.sleep(5)
        return response

    async def big(self, request: web.Request) -> web.StreamResponse:
        size = int(request.query["size"])
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.content_length = size
        await response.prepare(request)
        self.sent = 0
        with contextlib.suppress(ConnectionError):  # the reader may have had enough
            while self.sent < size:
                await response.write(PART[: size - self.sent])
                self.sent += len(PART)
        return response

    async def redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})  # as it is: aiohttp would tidy it

    async def endless(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/endless")

    async def again(self, request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/parts")

    async def parts(self, request: web.Request) -> web.Response:
        """What a form with files holds, each content in Base64."""
        found = []
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            content = base64.b64encode(await part.read()).decode()
            kind = part.headers.get("Content-Type")
            found.append({"name": part.name, "filename": part.filename, "type": kind, "content": content})
        return web.json_response(found)

    async def bomb(self, request: web.Request) -> web.Response:
        """A few bytes that unpack to a hundred megabytes."""
        packer = zlib.compressobj(wbits=31)
        body = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(100)) + packer.flush()
        return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})

    async def status(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), text="so it is")

    async def third_time(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        self.calls[key] = self.calls.get(key, 0) + 1
        return web.json_response({"ready": self.calls[key] >= 3, "calls": self.calls[key]})

    async def text(self, request: web.Request) -> web.Response:
        return web.Response(text=request.query["text"])

    async def raw(self, request: web.Request) -> web.Response:
        bodies = {
            "binary": (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "image/png"),
            "latin": ("Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1"),
            "not-json": (b"<html>", "application/json"),
            "nan": (b'{"total": NaN}', "application/json"),
            "nul": (b'{"text": "a\\u0000b \\ud800", "huge": 1e400}', "application/json"),
            "deep": (b"[" * 50_000, "application/json"),
            **{f"nested-{n}": (b"[" * n + b"]" * n, "application/json") for n in (500, 800, 900, 950, 990)},
        }
        body, content_type = bodies[request.match_info["name"]]
        return web.Response(body=body, headers={"Content-Type": content_type})


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority("Test authority")


@pytest.fixture(scope="session")
def http_server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    server = HttpServer(ca_pem=authority.pem)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    folder = tmp_path_factory.mktemp("tls")
    runner = asyncio.run_coroutine_threadsafe(_start(server, authority, folder), loop).result(10)
    yield server
    asyncio.run_coroutine_threadsafe(_stop(runner), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


async def _start(server: HttpServer, authority: Authority, folder: Path) -> web.AppRunner:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("localhost", folder))
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    plain, tls = runner.addresses
    server.url = f"http://127.0.0.1:{plain[1]}"
    server.tls_url = f"https://localhost:{tls[1]}"
    return runner


async def _stop(runner: web.AppRunner) -> None:
    await runner.cleanup()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture
def raw_server() -> Iterator["RawServer"]:
    server = RawServer()
    yield server
    server.stop()


class RawServer:
    """Answers every connection with the bytes in ``answer``, then closes it."""

    def __init__(self) -> None:
        self.answer = b""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = started.result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        writer.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
