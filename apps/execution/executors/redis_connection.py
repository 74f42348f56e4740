"""Redis connections whose address is checked before anything is sent."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from redis.asyncio.connection import BlockingConnectionPool, Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from apps.execution.engine.egress import EgressPolicy
from apps.execution.executors.base import StepBlocked

# Others name files of the worker, or what a test has no business with.
_PARAMETERS = frozenset(
    {"db", "client_name", "socket_timeout", "socket_connect_timeout", "socket_keepalive", "ssl_cert_reqs",
     "ssl_check_hostname"}
)  # fmt: skip


def open_pool(url: str, size: int, egress: EgressPolicy, ca: str = "") -> BlockingConnectionPool:
    """A pool for *url* with at most *size* connections; *ca* is the PEM text of an authority to trust.

    Raises ``StepBlocked`` for a bad URL.
    """
    options = _options(url)
    kind = options.pop("connection_class", Connection)
    if ca and kind is SSLConnection:
        options["ssl_ca_data"] = ca
    # Replies in the types of RESP 3, as the server means them: maps are maps, numbers are numbers.
    return BlockingConnectionPool(
        connection_class=_guarded(kind, egress),
        max_connections=size,
        timeout=None,
        # A command that waits may wait as long as its step; the engine ends it.
        **{"socket_timeout": None, **options, "protocol": 3, "retry": Retry(NoBackoff(), 0), "decode_responses": False},
    )


def _options(url: str) -> dict[str, Any]:
    """What *url* says. Not that a socket file of the worker's machine is to be opened: it has no address to check."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss"):
            raise ValueError("it must begin with redis:// or rediss://")
        unknown = sorted(set(parse_qs(parts.query, keep_blank_values=True)) - _PARAMETERS)
        if unknown:
            raise ValueError(f"the parameter {unknown[0]} is not allowed")
        return dict(parse_url(url))
    except ValueError as error:
        raise StepBlocked(f"the Redis URL cannot be used: {error}") from None


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
