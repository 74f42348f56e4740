"""TLS contexts for kinds that use Python's own TLS."""

import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from apps.execution.executors.base import StepBlocked


@dataclass(frozen=True, slots=True)
class Client:
    """Who a step is shown to be: PEM texts of a certificate and its key, which may stand in one, and the password of
    the key."""

    certificate: str
    key: str
    password: str

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self | None:
        """What ``client`` of a step says."""
        given = params.get("client")
        return cls(*(str(given.get(name) or "") for name in ("certificate", "key", "password"))) if given else None

    def show(self, context: ssl.SSLContext) -> None:
        """Have *context* show it. Raises ``StepBlocked``."""
        try:
            with self.in_file() as path:
                context.load_cert_chain(path, password=self.password)
        except (ssl.SSLError, ValueError) as error:
            raise _unusable(getattr(error, "reason", None) or str(error)) from None

    @contextmanager
    def in_file(self) -> Iterator[str]:
        """The path of a file with certificate and key, for what reads certificates from files only."""
        with pem_file(f"{self.certificate}\n{self.key}\n") as path:
            yield path

    def pair(self) -> tuple[bytes, bytes]:
        """Private key and certificates as PEM, for what takes no password. Raises ``StepBlocked``."""
        try:
            chain = x509.load_pem_x509_certificates(self.certificate.encode())
            key, password = (self.key or self.certificate).encode(), self.password.encode() or None
            private = serialization.load_pem_private_key(key, password)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _unusable(error) from None
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        shown = private.private_bytes(encoding, form, serialization.NoEncryption())
        return shown, b"".join(one.public_bytes(encoding) for one in chain)


def _unusable(reason: object) -> StepBlocked:
    return StepBlocked(f"the client certificate cannot be used: {reason}. Are “certificate” and “key” PEM and a pair?")


@contextmanager
def pem_file(text: str) -> Iterator[str]:
    """The path of a file with *text* that only this user can read, for as long as it is needed."""
    handle, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        yield path
    finally:
        Path(path).unlink(missing_ok=True)


def context_of(params: Mapping[str, Any], ca_file: str) -> ssl.SSLContext:
    """The context that ``verify``, ``ca`` and ``client`` of a step mean; *ca_file* as in ``EngineSettings``.

    Raises ``StepBlocked`` for what is no certificate.
    """
    verify, ca, client = params.get("verify", True), str(params.get("ca") or ""), Client.of(params)
    if client is None:
        return _context(verify, ca, ca_file)
    context = _made(verify, ca, ca_file)
    client.show(context)
    return context


def context_for_name(name: str, *, verify: bool, ca: str, ca_file: str) -> ssl.SSLContext:
    """A context that asks for a certificate of *name*, whatever address the connection went to.

    For libraries that take the place they connect to for the name. Raises ``StepBlocked`` for what is no certificate.
    """
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = name
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        if ca or ca_file:
            context.load_verify_locations(cadata=ca or None, cafile=None if ca else ca_file)
        else:
            context.load_default_certs()
    except (ssl.SSLError, ValueError) as error:
        raise StepBlocked(f"“ca” cannot be used: {error}. Is it PEM?") from None
    return context


class _NamedContext(ssl.SSLContext):
    name = ""

    def wrap_bio(self, *args: Any, **given: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **{**given, "server_hostname": self.name})

    def wrap_socket(self, *args: Any, **given: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**given, "server_hostname": self.name})


@lru_cache(32)
def _context(verify: bool, ca: str, ca_file: str) -> ssl.SSLContext:
    """Kept, since reading the authorities of the machine takes some ten milliseconds."""
    return _made(verify, ca, ca_file)


def _made(verify: bool, ca: str, ca_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=ca or None, cafile=None if ca else ca_file or None)
    except (ssl.SSLError, ValueError) as error:
        raise StepBlocked(f"“ca” cannot be used: {error}. Is it PEM?") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
