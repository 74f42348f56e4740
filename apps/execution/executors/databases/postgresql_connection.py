"""psycopg2 connections driven by the event loop, and pools of them."""

import asyncio
import logging
import os
import select
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg2
from psycopg2 import extensions

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.databases import pool
from apps.execution.executors.tls import Client, pem_file
from apps.execution.executors.urls import is_port

log = logging.getLogger(__name__)
_NOWHERE = f"{os.devnull}/none"  # of a file that cannot be there
# What libpq otherwise reads from the home of the worker's user: a certificate to show, authorities to trust (with which
# even sslmode=require looks at certificates), and what they took back.
_OF_NOBODY = {"sslcert": _NOWHERE, "sslrootcert": _NOWHERE, "sslcrl": _NOWHERE}
# Parameters of a URL that name files or services of the worker are none of a test's business.
_PARAMETERS = frozenset(
    {"host", "port", "user", "password", "dbname", "sslmode", "application_name", "options", "connect_timeout",
     "channel_binding", "target_session_attrs", "client_encoding", "hostaddr", "gssencmode"}
)  # fmt: skip


class Connection(pool.Session):
    """One connection. *timeout_ms* is the statement timeout of its session."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self.timeout_ms = 0

    async def ready(self) -> None:
        """Wait until libpq has done what it was asked. Raises ``psycopg2.Error``."""
        while True:
            state = self.raw.poll()
            if state == extensions.POLL_OK:
                return
            await _wait_for(self.raw.fileno(), writing=state == extensions.POLL_WRITE)

    async def execute(self, statement: str | bytes, params: Any = None) -> Any:
        """Run *statement*; the cursor holds its result."""
        cursor = self.raw.cursor()
        self.is_done = False
        try:
            cursor.execute(statement, params)
            await self.ready()
        except psycopg2.Error:  # the server's answer, or the connection is gone
            self.is_done = True
            raise
        self.is_done = True
        return cursor

    @property
    def is_usable(self) -> bool:
        """Whether it is open, idle and outside of a transaction."""
        if self.raw.closed or self.raw.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
            return False
        poll = select.poll()  # a server that closed it left something to read
        poll.register(self.raw.fileno(), select.POLLIN)
        return not poll.poll(0)

    def abandon(self) -> None:
        """Close, and tell the server to stop what it does. Blocks: run it in a thread."""
        try:
            if self.raw.info.transaction_status == extensions.TRANSACTION_STATUS_ACTIVE:
                self.raw.cancel()
            self.raw.close()
        except psycopg2.Error as error:
            log.debug("connection was gone already: %s", error)


async def _wait_for(descriptor: int, *, writing: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    add(descriptor, _set, ready)
    try:
        await ready
    finally:
        remove(descriptor)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class Pool(pool.Pool[Connection]):
    """Connections to one database."""

    def __init__(self, url: str, ca: str, client: Client | None, settings: EngineSettings) -> None:
        super().__init__(settings.connections_per_database)
        self._given = _parsed(url)
        self._ca = ca
        # The authorities of the machine, as other kinds take them: libpq has none of its own.
        self._authorities = settings.ca_file or ssl.get_default_verify_paths().cafile or _NOWHERE
        self._client = client
        if client and self._given.get("sslmode") == "disable":
            raise StepBlocked("the client certificate cannot be shown: sslmode is disable")
        self._egress = settings.egress

    async def open(self) -> Connection:
        """Connect to the first permitted address that answers."""
        options = await self._options()
        with _certificates(self._ca, self._client) as shown:
            if str(options.get("sslmode", "")).startswith("verify"):
                shown.setdefault("sslrootcert", self._authorities)
            connection = Connection(psycopg2.connect(**{**_OF_NOBODY, **shown, **options}, async_=True))
            try:
                await connection.ready()
            except BaseException:
                connection.raw.close()
                raise
        return connection

    async def _options(self) -> dict[str, Any]:
        """What to connect with: the address is fixed here, after it was checked."""
        options: dict[str, Any] = {
            "user": "", "password": "", "application_name": "integhub", "gssencmode": "disable", **self._given,
            # Neither the password file nor PGPASSWORD of the worker may help. A file that cannot be there:
            # libpq would warn on stderr about one that is no plain file.
            "passfile": _NOWHERE, "client_encoding": "UTF8",
        }  # fmt: skip
        host = options.pop("hostaddr", "") or options["host"]
        addresses = await self._egress.resolve(host, int(options.get("port") or 5432))
        options["host"] = ",".join([options.get("host") or host] * len(addresses))
        options["hostaddr"] = ",".join(addresses)
        return options

    async def end(self, session: Connection) -> None:
        """In a thread: the driver waits for the server when it has a statement cancelled."""
        await asyncio.to_thread(session.abandon)


@contextmanager
def _certificates(ca: str, client: Client | None) -> Iterator[dict[str, str]]:
    """What makes libpq trust the PEM text *ca* and insist on the server's name, and show *client*. It reads them from
    files only. Raises ``StepBlocked`` for what is no certificate."""
    options: dict[str, str] = {}
    with ExitStack() as files:
        if client:
            client.show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # whether it can be: libpq would ask for a password
            path = files.enter_context(client.in_file())
            options |= {"sslmode": "require", "sslcert": path, "sslkey": path, "sslpassword": client.password}
        if ca:
            options |= {"sslmode": "verify-full", "sslrootcert": files.enter_context(pem_file(ca))}
        yield options


def _parsed(url: str) -> dict[str, str]:
    """The parameters in a database *url*. Raises ``StepBlocked``."""
    try:
        given = extensions.parse_dsn(url)
    except psycopg2.Error as error:
        raise StepBlocked(f"the database URL cannot be used: {str(error).strip()}") from None
    unknown = sorted(set(given) - _PARAMETERS)
    if unknown:
        raise StepBlocked(f"the database URL cannot be used: the parameter {unknown[0]} is not allowed")
    if "," in given.get("host", "") + given.get("port", ""):
        raise StepBlocked("the database URL cannot be used: it names more than one host")
    if not given.get("host") and not given.get("hostaddr"):
        raise StepBlocked("the database URL cannot be used: it has no host")
    port = given.get("port") or "5432"
    if not is_port(port):
        raise StepBlocked(f"the database URL cannot be used: there is no port {port}")
    if given.get("host", "").startswith(("/", "@")):  # it has no address that could be checked
        raise StepBlocked("the database URL cannot be used: it names a socket of the worker's machine")
    return given
