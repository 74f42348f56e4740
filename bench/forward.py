"""A way between a worker and a server that can be cut: passes on TCP connections, in a process of its own.

``python -m bench.forward NETWORK HOST 5432=5432 0=6379`` listens on each port of HOST (0: any), prints them, and passes
on to 127.0.0.1 in the network namespace NETWORK (a file; "" for the one that it is started in). Stopped (SIGSTOP),
connections stay open and nothing comes through; killed, they are reset.
"""

import asyncio
import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

LOOPBACK = "127.0.0.1"
PIECE = 65_536  # bytes


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError):
        writer.close()


def _enter(network: str) -> None:
    """Go over to another network; what listens in the present one goes on doing so. Python 3.12 has ``os.setns``."""
    with Path(network).open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), network)


async def _serve(network: str, host: str, pairs: list[str]) -> None:
    servers = []
    for pair in pairs:
        listen, _, target = pair.partition("=")

        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = int(target)) -> None:
            try:
                there, here = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                writer.transport.abort()
                return
            await asyncio.gather(_pump(reader, here), _pump(there, writer))

        servers.append(await asyncio.start_server(join, host, int(listen)))
    if network:
        _enter(network)
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2], sys.argv[3:]))
