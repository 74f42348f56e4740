"""Connections to MySQL and MariaDB over checked addresses, and pools of them."""

import json
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from asyncmy.connection import Connection as Driver
from asyncmy.constants import FIELD_TYPE
from asyncmy.converters import conversions
from asyncmy.errors import MySQLError

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.databases import pool
from apps.execution.executors.tls import Client, context_for_name

log = logging.getLogger(__name__)
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


class Connection(pool.Session):
    """One connection."""

    @property
    def is_usable(self) -> bool:
        """Whether it is open and nobody closed it."""
        return bool(self.raw.connected) and not self.raw._stream_broken  # as the driver's own pool asks


class Pool(pool.Pool[Connection]):
    """Connections to one database."""

    def __init__(self, url: str, ca: str, client: Client | None, settings: EngineSettings) -> None:
        super().__init__(settings.connections_per_database)
        self.place = parsed(url, ca, client)
        self._ca = ca
        self._client = client
        self._settings = settings

    async def end(self, session: Connection) -> None:
        """The server does not notice that a connection is gone before it writes to it: another one has it killed."""
        number = session.raw.thread_id()
        session.close()
        try:
            other = await self.open()
            try:
                await other.raw.query(f"KILL {number}")
            finally:
                other.close()
        except (MySQLError, OSError) as error:
            log.debug("session %s could not be ended: %s", number, error)

    async def open(self) -> Connection:
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
                return Connection(connection)
        raise AssertionError("there is always an address")

    def _tls(self) -> ssl.SSLContext | None:
        if self.place.mode == "disabled":
            return None
        checks = self.place.mode.startswith("verify")
        context = context_for_name(self.place.host, verify=checks, ca=self._ca, ca_file=self._settings.ca_file)
        context.check_hostname = self.place.mode == "verify_identity"
        if self._client:
            self._client.show(context)
        return context


def parsed(url: str, ca: str, client: Client | None) -> Place:
    """What *url* says. Raises ``StepBlocked``."""
    try:
        parts = urlsplit(url)
        host, port, given = parts.hostname or "", parts.port or 3306, dict(parse_qsl(parts.query, True))
    except ValueError as error:
        raise StepBlocked(f"the database URL cannot be used: {error}") from None
    if not host or not parts.username:
        raise StepBlocked(f"the database URL cannot be used: it has no {'user' if host else 'host'}")
    mode = _mode(given, ca, client)
    return Place(
        host, port, unquote(parts.username), unquote(parts.password or ""), unquote(parts.path.lstrip("/")), mode
    )


def _mode(given: Mapping[str, str], ca: str, client: Client | None) -> str:
    unknown = sorted(set(given) - {"ssl-mode"})
    if unknown:
        raise StepBlocked(f"the database URL cannot be used: the parameter {unknown[0]} is not allowed")
    usual = "verify_identity" if ca else "required" if client else "disabled"
    mode = given.get("ssl-mode", usual).lower()
    if mode not in _MODES:
        names = ", ".join(name.upper() for name in _MODES)
        raise StepBlocked(f"the database URL cannot be used: ssl-mode is one of {names}")
    if client and mode == "disabled":
        raise StepBlocked("the client certificate cannot be shown: ssl-mode is DISABLED")
    return mode


def described(error: BaseException) -> tuple[int, Any]:
    """Number and text of a driver's error; 0 when the server did not say it."""
    number, text = (*error.args, "", "")[:2] if error.args else (0, "")
    return (number, text) if isinstance(number, int) else (0, number)
