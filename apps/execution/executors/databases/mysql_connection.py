"""Connections to MySQL and MariaDB over checked addresses, and pools of them."""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from asyncmy.connection import Connection as Driver
from asyncmy.constants import FIELD_TYPE
from asyncmy.converters import conversions
from asyncmy.errors import MySQLError

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.tls import context_for_name

log = logging.getLogger(__name__)
_IDLE_SECONDS = 60.0
_KILL_SECONDS = 5.0
_MODES = ("disabled", "required", "verify_ca", "verify_identity")
# A TIME is a time of day or up to 838 hours: as the database writes it. JSON is what it means (MySQL).
_CONVERSIONS = {**conversions, FIELD_TYPE.TIME: str, FIELD_TYPE.JSON: json.loads}


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL says."""

    host: str
    port: int
    user: str
    password: str
    database: str
    mode: str


class Connection:
    """One connection. A session in which a statement may have left something behind is not *is_clean*, and one whose
    statement still runs is not *is_done*; neither is used again."""

    def __init__(self, raw: Driver) -> None:
        self.raw = raw
        self.is_clean = True
        self.is_done = True
        self.idle_since = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether the session is open and nobody closed it."""
        return bool(self.raw.connected) and not self.raw._stream_broken  # type: ignore[attr-defined] # as its own pool asks


class Pool:
    """Connections to one database: at most ``connections_per_database`` at once, kept for a minute when idle."""

    def __init__(self, url: str, ca: str, settings: EngineSettings) -> None:
        self.place = parsed(url, ca)
        self._ca = ca
        self._settings = settings
        self._idle: list[Connection] = []
        self._room = asyncio.Semaphore(settings.connections_per_database)
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[Connection, float]]:
        """A connection and the milliseconds it took to open (0 when it was open).

        It is used again when it is clean; a statement that still runs is ended in the server.
        """
        async with self._room:
            started = time.perf_counter()
            connection = self._usable()
            opened = connection is None
            if connection is None:
                connection = Connection(await self._open())
            try:
                yield connection, (time.perf_counter() - started) * 1000 if opened else 0.0
            finally:
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
        if connection.is_clean and connection.is_done and connection.is_usable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
            return
        if not connection.is_done:
            task = asyncio.create_task(self._kill(connection.raw.thread_id()))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        connection.raw.close()

    async def _kill(self, session: int) -> None:
        """Have the server end *session*: it does not notice that a connection is gone before it writes to it."""
        try:
            async with asyncio.timeout(_KILL_SECONDS):
                other = await self._open()
                try:
                    await other.query(f"KILL {session}")  # type: ignore[no-untyped-call]
                finally:
                    other.close()
        except (MySQLError, OSError, TimeoutError) as error:
            log.debug("session %s could not be ended: %s", session, error)

    async def _open(self) -> Driver:
        """Connect to the first permitted address that answers."""
        place = self.place
        addresses = await self._settings.egress.resolve(place.host, place.port)
        for address in addresses:
            connection = Driver(  # type: ignore[no-untyped-call]
                host=address,
                port=place.port,
                user=place.user,
                password=place.password,
                database=place.database or None,
                charset="utf8mb4",
                autocommit=True,
                conv=_CONVERSIONS,
                program_name="integhub",
                connect_timeout=31_536_000,  # the step's own limit holds
                ssl=self._tls(),
            )
            try:
                await connection.connect()
            except MySQLError as error:
                if address == addresses[-1] or not isinstance(error.__cause__, OSError):
                    raise
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise AssertionError("there is always an address")

    def _tls(self) -> ssl.SSLContext | None:
        if self.place.mode == "disabled":
            return None
        checks = self.place.mode.startswith("verify")
        context = context_for_name(self.place.host, verify=checks, ca=self._ca, ca_file=self._settings.ca_file)
        context.check_hostname = self.place.mode == "verify_identity"
        return context

    async def aclose(self) -> None:
        """Close the idle connections, once the server was told what to end."""
        if self._ending:
            await asyncio.wait(self._ending)
        while self._idle:
            self._idle.pop().raw.close()


def parsed(url: str, ca: str) -> Place:
    """What *url* says. Raises ``StepBlocked``."""
    try:
        parts = urlsplit(url)
        host, port, given = parts.hostname or "", parts.port or 3306, dict(parse_qsl(parts.query, True))
    except ValueError as error:
        raise StepBlocked(f"the database URL cannot be used: {error}") from None
    if not host or not parts.username:
        raise StepBlocked(f"the database URL cannot be used: it has no {'user' if host else 'host'}")
    mode = _mode(given, ca)
    return Place(
        host, port, unquote(parts.username), unquote(parts.password or ""), unquote(parts.path.lstrip("/")), mode
    )


def _mode(given: Mapping[str, str], ca: str) -> str:
    unknown = sorted(set(given) - {"ssl-mode"})
    if unknown:
        raise StepBlocked(f"the database URL cannot be used: the parameter {unknown[0]} is not allowed")
    mode = given.get("ssl-mode", "verify_identity" if ca else "disabled").lower()
    if mode not in _MODES:
        names = ", ".join(name.upper() for name in _MODES)
        raise StepBlocked(f"the database URL cannot be used: ssl-mode is one of {names}")
    return mode


def described(error: BaseException) -> tuple[int, Any]:
    """Number and text of a driver's error; 0 when the server did not say it."""
    number, text = (*error.args, "", "")[:2] if error.args else (0, "")
    return (number, text) if isinstance(number, int) else (0, number)
