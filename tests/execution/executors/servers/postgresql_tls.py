"""TLS before the PostgreSQL of the test run, which has none of its own: who shows no certificate gets nowhere."""

import asyncio
import ssl
import struct
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.web import InThread, pass_on

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@dataclass
class PostgresTls:
    """*url* of the same database by way of TLS, its certificate names ``localhost``; *clients* are the names that were
    shown, *refused* why others were sent away: not all of them live to read the alert that tells them."""

    server: str
    context: ssl.SSLContext
    url: str = ""
    clients: list[str] = field(default_factory=list)
    refused: Queue[str] = field(default_factory=Queue)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        try:
            assert await reader.readexactly(8) == _SSL_REQUEST, "it does not ask for TLS"
            writer.write(b"S")
            await writer.start_tls(self.context)
            certificate = writer.get_extra_info("peercert") or {}
            self.clients += [dict(part[0] for part in certificate["subject"])["commonName"]]
            place = urlsplit(self.server)
            other = await asyncio.open_connection(place.hostname, place.port)
            await asyncio.gather(pass_on(reader, other[1]), pass_on(other[0], writer))
        except ssl.SSLError as error:
            self.refused.put(error.reason)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
def postgres_tls(thread: InThread, authority: Authority, database_url: str, tmp_path: Path) -> PostgresTls:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(authority.issue("localhost", tmp_path))
    made = PostgresTls(database_url, context)
    listening = thread.do(asyncio.start_server(made.serve, "127.0.0.1", 0))
    place = urlsplit(database_url)
    where = f"{place.netloc.rpartition('@')[0]}@localhost:{listening.sockets[0].getsockname()[1]}"
    made.url = urlunsplit(place._replace(netloc=where))
    return made
