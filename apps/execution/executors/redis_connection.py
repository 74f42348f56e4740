"""Redis connections whose address is checked before anything is sent."""

from typing import Any

from redis.asyncio.connection import (
    BlockingConnectionPool,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from apps.execution.engine.egress import EgressPolicy
from apps.execution.executors.base import StepBlocked


def open_pool(url: str, size: int, egress: EgressPolicy, ca: str = "") -> BlockingConnectionPool:
    """A pool for *url* with at most *size* connections; *ca* is the PEM text of an authority to trust.

    Raises ``StepBlocked`` for a bad URL.
    """
    try:
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError as error:
        raise StepBlocked(f"the Redis URL cannot be used: {error}") from None
    given = options.pop("connection_class", Connection)
    if ca and given is SSLConnection:
        options["ssl_ca_data"] = ca
    if given is not UnixDomainSocketConnection:
        given = _guarded(SSLConnection if given is SSLConnection else Connection, egress)
    # Replies in the types of RESP 3, as the server means them: maps are maps, numbers are numbers.
    return BlockingConnectionPool(
        connection_class=given,
        max_connections=size,
        timeout=None,
        # A command that waits may wait as long as its step; the engine ends it.
        **{"socket_timeout": None, **options, "protocol": 3, "retry": Retry(NoBackoff(), 0), "decode_responses": False},
    )


def _guarded(base: type[Connection], egress: EgressPolicy) -> type[Connection]:
    """A connection class like *base* that connects to addresses *egress* permits, and to no others."""

    class GuardedConnection(base):  # type: ignore[misc, valid-type]
        async def _connect(self) -> None:
            addresses = await egress.resolve(self.host, int(self.port))
            for address in addresses[:-1]:
                try:
                    await self._connect_to(address)
                except OSError:
                    continue
                return
            await self._connect_to(addresses[-1])

        async def _connect_to(self, address: str) -> None:
            self._address = address
            await super()._connect()

        def _connection_arguments(self) -> dict[str, Any]:
            arguments = {**super()._connection_arguments(), "host": self._address}
            return {**arguments, "server_hostname": self.host} if "ssl" in arguments else arguments

    return GuardedConnection
