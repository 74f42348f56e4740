"""A connection to an AMQP 0-9-1 broker, whose address is checked before anything is sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiormq import Connection
from aiormq.abc import AbstractChannel
from aiormq.connection import TransportFactory
from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelClosed,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    ProbableAuthenticationError,
    PublishError,
)
from yarl import URL

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.brokers.base import BrokerError
from apps.execution.executors.urls import without_password

_PORTS = {"amqp": 5672, "amqps": 5671}
# Others name files of the worker, or turn off what protects it.
_PARAMETERS = frozenset({"heartbeat", "name"})
_KEPT_CHANNELS = 8


class AmqpConnection:
    """One connection to *url*, opened when needed and again when it was lost; a channel for each use."""

    def __init__(self, url: str, ca: str, settings: EngineSettings) -> None:
        self._url = _checked(url)
        self._ca = ca
        self._settings = settings
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()
        self._idle: list[AbstractChannel] = []

    @asynccontextmanager
    async def channel(self, *, keep: bool = False) -> AsyncIterator[AbstractChannel]:
        """A channel for one use, closed afterwards; with *keep* another use may have it, if all went well.

        Raises ``BrokerError`` or ``EgressDenied``.
        """
        try:
            connection = await self._open()
            idle = [one for one in self._idle if not one.is_closed]
            channel = idle.pop() if keep and idle else await connection.channel()
            self._idle = idle
            try:
                yield channel
            except BaseException:
                await _close(channel)
                raise
            if keep and len(self._idle) < _KEPT_CHANNELS:
                self._idle.append(channel)
            else:
                await _close(channel)
        except (AMQPError, OSError, ChannelInvalidStateError) as error:
            raise BrokerError(self._failure(error)) from None

    async def _open(self) -> Connection:
        async with self._opening:
            if self._connection is None or not self._connection.is_opened:
                self._idle.clear()
                factory = _Transport(self._settings.egress)
                context = _context(self._ca, self._settings.ca_file) if self._url.scheme == "amqps" else None
                connection = Connection(self._url, context=context, transport_factory=factory)
                await connection.connect()
                self._connection = connection
            return self._connection

    def _failure(self, error: Exception) -> str:
        place = without_password(str(self._url))
        if isinstance(error, AuthenticationError | ProbableAuthenticationError):
            return f"the broker at {place} refused the login"
        if isinstance(error, PublishError):
            return "no queue takes the message: nothing is bound for it"
        reason = " ".join(str(part) for part in error.args if part).strip() or type(error).__name__
        if isinstance(error, ChannelNotFoundEntity):
            return f"there is no such queue or exchange: {reason}"
        if isinstance(error, ChannelClosed):
            return f"the broker refused it: {reason}"
        return f"no connection to {place}: {reason}"

    async def aclose(self) -> None:
        """Close the connection and with it every channel."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_opened:
            await connection.close()


async def _close(channel: AbstractChannel) -> None:
    if not channel.is_closed:
        try:
            await channel.close()
        except (AMQPError, OSError, ChannelInvalidStateError, asyncio.InvalidStateError):
            return  # it was closed meanwhile


class _Transport(TransportFactory):
    """Connects to addresses that *egress* permits, and to no others."""

    def __init__(self, egress: EgressPolicy) -> None:
        self._egress = egress

    async def create(self, url: URL, **given: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = url.host or "", url.port or _PORTS[url.scheme]
        context = await given["ssl_context_provider"].get_context() if url.scheme == "amqps" else None
        addresses = await self._egress.resolve(host, port)
        name = host if context else None
        for address in addresses[:-1]:
            try:
                return await asyncio.open_connection(address, port, ssl=context, server_hostname=name)
            except OSError:
                continue
        return await asyncio.open_connection(addresses[-1], port, ssl=context, server_hostname=name)


def _context(ca: str, ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca or None, cafile=None if ca else ca_file or None)
    except ssl.SSLError as error:
        raise StepBlocked(f"with.ca is no certificate: {error.reason or error}") from None


def _checked(text: str) -> URL:
    """The URL of a broker. Raises ``StepBlocked``."""
    try:
        parts = urlsplit(text)
        unknown = sorted(set(parse_qs(parts.query, keep_blank_values=True)) - _PARAMETERS)
        if unknown:
            raise StepBlocked(f"the broker's URL cannot be used: the parameter {unknown[0]} is not allowed")
        url = URL(text)
        if not url.host:
            raise StepBlocked("the broker's URL cannot be used: it has no host")
        return url if url.port else url.with_port(_PORTS[url.scheme])
    except ValueError as error:
        raise StepBlocked(f"the broker's URL cannot be used: {error}") from None
