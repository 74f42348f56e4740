"""TLS contexts for kinds that use Python's own TLS."""

import os
import ssl
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from apps.execution.executors.base import StepBlocked


def context_of(params: Mapping[str, Any], ca_file: str) -> ssl.SSLContext:
    """The context that ``verify``, ``ca`` and ``client`` of a step mean; *ca_file* as in ``EngineSettings``.

    Raises ``StepBlocked`` for what is no certificate.
    """
    verify, ca, client = params.get("verify", True), str(params.get("ca") or ""), params.get("client")
    if not client:
        return _context(verify, ca, ca_file)
    context = _made(verify, ca, ca_file)
    _show_certificate(context, client)
    return context


def client_pair(certificate: str, key: str, password: str) -> tuple[bytes, bytes]:
    """Private key and certificates of a client as PEM, for libraries that take no password. Raises ``StepBlocked``."""
    try:
        chain = x509.load_pem_x509_certificates(certificate.encode())
        private = serialization.load_pem_private_key((key or certificate).encode(), password.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise StepBlocked(
            f"the client certificate cannot be used: {error}. Are “certificate” and “key” PEM and a pair?"
        ) from None
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    shown = private.private_bytes(encoding, form, serialization.NoEncryption())
    return shown, b"".join(one.public_bytes(encoding) for one in chain)


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


def _show_certificate(context: ssl.SSLContext, client: Mapping[str, Any]) -> None:
    """Python reads certificates from files only: a private one, which is gone before anything is sent."""
    text = f"{client['certificate']}\n{client.get('key') or ''}\n"
    handle, path = tempfile.mkstemp(suffix=".pem")  # readable by this user only
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        context.load_cert_chain(path, password=str(client.get("password") or ""))
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise StepBlocked(
            f"the client certificate cannot be used: {reason}. Are “certificate” and “key” PEM and a pair?"
        ) from None
    finally:
        Path(path).unlink(missing_ok=True)
