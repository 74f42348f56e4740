"""Addresses of the built-in mailbox, in plain Python: made and recognised with a key, so none has to be stored.

A *box* collects mail: one for each execution (``x…``), and one for each environment (``e…``). An address names its
box and is signed; a component that signs in with a box's login may write to any address, and its mail is the box's.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

_ADDRESS = re.compile(r"(?:([a-z0-9-]{1,20})\.)?([xe][0-9a-z]{1,16})\.([a-z2-7]{16})(?:\+[^@]*)?@(.+)")
_NAME = re.compile(r"[a-z0-9-]{1,20}")
_MAC = 10  # bytes


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """The boxes of one installation, below one *domain*."""

    key: bytes = field(repr=False)
    domain: str

    def address(self, box: str, name: str = "") -> str:
        """An address of *box*; *name* tells several of them apart. Raises ``ValueError`` for a bad name."""
        if name and not _NAME.fullmatch(name):
            raise ValueError(f"“{name}” cannot be the name of a mailbox: small letters, digits and -, at most 20")
        return f"{name}{'.' if name else ''}{box}.{self._sign('address', name, box)}@{self.domain}"

    def box_of(self, address: str) -> str:
        """The box of *address*, which may have a tag (``…+tag@…``); "" when we did not make it."""
        match = _ADDRESS.fullmatch(address.strip().lower())
        if match is None or match[4] != self.domain.lower():
            return ""
        signed = hmac.compare_digest(match[3], self._sign("address", match[1] or "", match[2]))
        return match[2] if signed else ""

    def login(self, box: str) -> tuple[str, str]:
        """User name and password with which a component signs in."""
        return box, self._sign("login", "", box)

    def box_of_login(self, user: str, password: str) -> str:
        """The box of a login; "" when it is wrong."""
        return user if hmac.compare_digest(password.encode(), self._sign("login", "", user).encode()) else ""

    def _sign(self, purpose: str, name: str, box: str) -> str:
        digest = hmac.digest(self.key, f"{purpose}|{name}|{box}".encode(), hashlib.sha256)
        return base64.b32encode(digest[:_MAC]).decode().lower()


def box_of_execution(execution_id: str) -> str:
    """The box of an execution."""
    return "x" + hashlib.sha256(execution_id.encode()).hexdigest()[:16]


def box_of_environment(pk: int) -> str:
    """The box of an environment."""
    return f"e{pk}"


def is_of_environment(box: str) -> bool:
    """Whether *box* is one of an environment, where the mail of many executions arrives."""
    return box.startswith("e")
