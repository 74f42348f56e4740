"""A gRPC server: its checked address, its channel and what it told about its types."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
import grpc.aio

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.grpc_reflection import Reflection
from apps.execution.executors.tls import Client
from apps.execution.executors.urls import is_port

_KEPT = 300.0  # seconds after which the types are asked for again


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a server another one: where it is, and whom it is shown to be."""

    target: str
    tls: bool
    ca: str
    client: Client | None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """What a step says."""
        return cls(str(params["target"]), bool(params.get("tls")), str(params.get("ca") or ""), Client.of(params))


class Target:
    """One server. *name* is the ``host:port`` it was asked for by, *address* where it is."""

    def __init__(self, name: str, address: str, channel: grpc.aio.Channel) -> None:
        self.name = name
        self.address = address
        self.channel = channel
        self.reflection = Reflection(channel)
        self.used = False
        self._opened = time.monotonic()
        self._was_connected = False
        self._calls = 0
        self._retired = False

    @classmethod
    async def open(cls, key: Key, settings: EngineSettings) -> Self:
        """Connect. Raises ``OSError``, ``EgressDenied`` or ``StepBlocked``."""
        name = key.target
        host, port = _split(name)
        address = await _reachable(host, port, settings)
        options: list[tuple[str, str | int]] = [
            ("grpc.default_authority", name),
            ("grpc.enable_http_proxy", 0),  # a proxy of the worker's environment would hide the address
            ("grpc.enable_retries", 0),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", settings.body_read),
        ]
        place = f"ipv6:[{address}]:{port}" if ":" in address else f"ipv4:{address}:{port}"
        if key.tls:
            options.append(("grpc.ssl_target_name_override", host))
            channel = grpc.aio.secure_channel(place, _credentials(key, settings), options=options)
        else:
            channel = grpc.aio.insecure_channel(place, options=options)
        return cls(name, f"{address}:{port}", channel)

    @property
    def is_fresh(self) -> bool:
        """Whether it is still the server whose types are known: not after a lost connection."""
        if self.channel.get_state() is grpc.ChannelConnectivity.READY:
            self._was_connected = True
        elif self._was_connected:
            return False
        return time.monotonic() - self._opened < _KEPT

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[Self]:
        """For the time of a call: it is not closed meanwhile."""
        self._calls += 1
        try:
            yield self
        finally:
            self.used = True
            self._calls -= 1
            await self._close_if_done()

    async def retire(self) -> None:
        """Close it, once the calls that use it have ended."""
        self._retired = True
        await self._close_if_done()

    async def _close_if_done(self) -> None:
        if self._retired and self._calls == 0:
            await self.channel.close()


def _credentials(key: Key, settings: EngineSettings) -> grpc.ChannelCredentials:
    ca = key.ca.encode() or (Path(settings.ca_file).read_bytes() if settings.ca_file else None)
    private, chain = key.client.pair() if key.client else (None, None)
    return grpc.ssl_channel_credentials(ca, private, chain)


def _split(name: str) -> tuple[str, int]:
    host, colon, port = name.removeprefix("dns:///").rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not is_port(port) or "/" in host:
        raise StepBlocked(f"the target “{name}” cannot be used: it must be host:port")
    return host, int(port)


async def _reachable(host: str, port: int, settings: EngineSettings) -> str:
    """The first address of *host* that takes connections: gRPC itself tells little about why not."""
    addresses = await settings.egress.resolve(host, port)
    for address in addresses:
        try:
            _reader, writer = await asyncio.open_connection(address, port)
        except OSError:
            if address == addresses[-1]:
                raise
            continue
        writer.close()
        return address
    raise OSError("no address")
