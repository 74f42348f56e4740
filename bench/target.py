"""The server that benchmarks ask: the least that HTTP/1.1 with keep-alive takes, in a process of its own."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

BODY = b'{"status": "ok", "items": [{"id": 1, "sku": "A-1", "quantity": 2}], "total": 12.5}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
END = b"\r\n\r\n"


class Answering(asyncio.Protocol):
    """Answers every request without a body alike, after *delay* seconds."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._transport: asyncio.WriteTransport | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._read = (self._read + data).split(END)
        if self._transport is None:
            return
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, ANSWER * len(requests))
        else:
            self._transport.write(ANSWER * len(requests))


async def _serve(port: int, delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Answering(delay), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running(port: int = 0, inside: Sequence[str] = (), delay: float = 0) -> Iterator[str]:
    """Address of a target that runs while the ``with`` lasts and takes *delay* s; *inside* is the command that enters
    another namespace."""
    command = [*inside, sys.executable, "-m", "bench.target", str(port), str(delay)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        chosen = process.stdout.readline().strip() if process.stdout else ""
        if not chosen:
            raise RuntimeError("the target did not start")
        yield f"http://127.0.0.1:{chosen}"
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
