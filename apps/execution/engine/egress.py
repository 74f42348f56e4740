"""Which addresses steps may talk to.

Addresses are checked after names were resolved and at the moment of connecting, so that neither a
redirect nor a name that changes its address between check and use gets around it.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Cloud metadata services hand out credentials of the machine; link-local and multicast addresses are
# never the address of a component.
DENIED_BY_DEFAULT = (
    "0.0.0.0/8",
    "169.254.0.0/16",  # link-local, and the metadata of AWS, Azure, Google and others
    "100.100.100.200/32",  # metadata of Alibaba
    "168.63.129.16/32",  # Azure's wire server
    "192.0.0.192/32",  # metadata of Oracle
    "224.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "fe80::/10",
    "fd00:ec2::254/128",  # metadata of AWS
    "ff00::/8",
)
# Of these addresses the last 32 bits may be an IPv4 address (RFC 6052, RFC 8215).
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
# Names of metadata services, for whoever connects by name in our place and may know them though we do not.
_METADATA = frozenset({"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"})


class EgressDenied(Exception):
    """The address may not be reached from here."""

    def __init__(self, host: str, address: str) -> None:
        self.host = host
        self.address = address
        where = (address or host) if host in ("", address) or not address else f"{host} ({address})"
        super().__init__(
            f"{where} may not be reached: the address is denied for steps. "
            "Whoever runs the workers can allow it (INTEGHUB_ALLOW_ADDRESSES)."
        )


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Networks that steps may or may not reach. What is *allowed* wins over what is *denied*."""

    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()
    only_allowed: bool = False
    _known: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, *, allow: Iterable[str] = (), deny: Iterable[str] = (), only_allowed: bool = False) -> Self:
        """A policy from networks or addresses as text, on top of the denials that always hold.

        With *only_allowed*, everything that is not allowed is denied. Raises ``ValueError``.
        """
        return cls(
            allowed=tuple(ipaddress.ip_network(text, strict=False) for text in allow),
            denied=tuple(ipaddress.ip_network(text, strict=False) for text in (*DENIED_BY_DEFAULT, *deny)),
            only_allowed=only_allowed,
        )

    def permits(self, address: str) -> bool:
        """Whether the IP *address* may be reached."""
        answer = self._known.get(address)
        if answer is None:
            if len(self._known) > 4096:
                self._known.clear()
            answer = self._known[address] = self._permits(address)
        return answer

    def _permits(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        forms = _forms(address)
        if any(form in network for form in forms for network in self.allowed):
            return True
        if self.only_allowed:
            return False
        return not any(form in network for form in forms for network in self.denied)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of *host* that may be reached, in the resolver's order.

        Raises ``EgressDenied`` when none may, ``OSError`` when the name is not known.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        permitted = [address for address in addresses if self.permits(address)]
        if not permitted:
            raise EgressDenied(host, addresses[0] if addresses else "")
        return permitted

    async def check(self, host: str, port: int) -> list[str]:
        """For connections that somebody else makes, like a proxy: every address of *host* must be permitted.

        Returns them; a name that is not known here has none, and passes unless only what is allowed may be reached.
        Raises ``EgressDenied``.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            if self.only_allowed or host.lower() in _METADATA:
                raise EgressDenied(host, "") from None
            return []
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if not self.permits(address):
                raise EgressDenied(host, address)
        return addresses


def _forms(address: Address) -> list[Address]:
    """*address* and the IPv4 addresses that hide in it."""
    forms: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            forms.append(address.ipv4_mapped)
        if address.sixtofour:
            forms.append(address.sixtofour)
        if address.teredo:
            forms.append(address.teredo[1])
        if any(address in network for network in _NAT64):
            forms.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if int(address) >> 32 == 0 and int(address) > 1:  # the old form ::a.b.c.d
            forms.append(ipaddress.IPv4Address(int(address)))
    return forms
