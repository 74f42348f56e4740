"""psycopg2 connections driven by the event loop, and pools of them."""

import asyncio
import logging
import os
import select
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions

from apps.execution.engine.egress import EgressPolicy
from apps.execution.executors.base import StepBlocked

log = logging.getLogger(__name__)
_IDLE_SECONDS = 60.0
# Parameters of a URL that name files or services of the worker are none of a test's business.
_PARAMETERS = frozenset(
    {"host", "port", "user", "password", "dbname", "sslmode", "application_name", "options", "connect_timeout",
     "channel_binding", "target_session_attrs", "client_encoding", "hostaddr", "gssencmode"}
)  # fmt: skip


class Connection:
    """One connection. *timeout_ms* is the statement timeout of its session; a session in which a
    statement may have left something behind is not *is_clean*, and not used again."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.timeout_ms = 0
        self.is_clean = True
        self.idle_since = 0.0

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
        cursor.execute(statement, params)
        await self.ready()
        return cursor

    @property
    def is_usable(self) -> bool:
        """Whether the session is open, idle and outside of a transaction."""
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


class Pool:
    """Connections to one database: at most *size* at once, kept for a minute when idle."""

    def __init__(self, url: str, size: int, egress: EgressPolicy, ca: str = "") -> None:
        self._given = _parsed(url)
        self._ca = ca
        self._egress = egress
        self._idle: list[Connection] = []
        self._room = asyncio.Semaphore(size)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[Connection, float]]:
        """A connection and the milliseconds it took to open (0 when it was open).

        It is used again when it is idle, outside of a transaction and clean.
        """
        async with self._room:
            started = time.perf_counter()
            connection = self._usable()
            opened = connection is None
            if connection is None:
                connection = await self._open()
            try:
                yield connection, (time.perf_counter() - started) * 1000 if opened else 0.0
            except psycopg2.Error:
                self._give_back(connection)
                raise
            except BaseException:
                # The statement still runs: have the server stop it.
                asyncio.get_running_loop().run_in_executor(None, connection.abandon)
                raise
            self._give_back(connection)

    def _usable(self) -> Connection | None:
        oldest = time.monotonic() - _IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since > oldest and connection.is_usable:
                return connection
            connection.raw.close()
        return None

    def _give_back(self, connection: Connection) -> None:
        if connection.is_clean and connection.is_usable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.raw.close()

    async def _open(self) -> Connection:
        options = await self._options()
        with _authority(self._ca) as trusted:
            connection = Connection(psycopg2.connect(**{**trusted, **options}, async_=True))
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
            "passfile": f"{os.devnull}/none", "client_encoding": "UTF8",
        }  # fmt: skip
        host = options.pop("hostaddr", "") or options.get("host", "")
        if host and not host.startswith(("/", "@")):
            addresses = await self._egress.resolve(host, int(options.get("port") or 5432))
            options["host"] = ",".join([options.get("host") or host] * len(addresses))
            options["hostaddr"] = ",".join(addresses)
        return options

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().raw.close()


@contextmanager
def _authority(ca: str) -> Iterator[dict[str, str]]:
    """What makes libpq trust the PEM text *ca* and insist on the server's name; it reads it from a file only."""
    if not ca:
        yield {}
        return
    handle, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(ca)
        yield {"sslmode": "verify-full", "sslrootcert": path}
    finally:
        Path(path).unlink(missing_ok=True)


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
    return given
