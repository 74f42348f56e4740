"""Mail handed to an SMTP server whose address was checked."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import SeamError, StepBlocked
from apps.execution.executors.urls import without_password

_PORTS = {"smtp": 25, "smtps": 465}


async def send(params: Mapping[str, Any], traceparent: str, settings: EngineSettings) -> dict[str, Any]:
    """Send the mail that ``with.send`` describes; what the server said.

    Raises ``SeamError``, ``StepBlocked`` or ``EgressDenied``.
    """
    message = _message(params, traceparent)
    recipients = [*_addresses(params, "to"), *_addresses(params, "cc")]
    scheme, host, port, user, password = _server(str(params["url"]))
    place = without_password(str(params["url"]))
    try:
        client = aiosmtplib.SMTP(
            hostname=host,
            sock=await _connected(host, port, settings.egress),
            username=user or None,
            password=password or None,
            use_tls=scheme == "smtps",
            start_tls=bool(params.get("starttls")),
            tls_context=_context(str(params.get("ca") or ""), settings.ca_file),
        )
        async with client:
            refused, answer = await client.send_message(message, sender=str(params["from"]), recipients=recipients)
    except aiosmtplib.SMTPRecipientsRefused as error:
        names = "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in error.recipients)
        raise SeamError(f"the server takes no mail for {names}") from None
    except aiosmtplib.SMTPResponseException as error:
        raise SeamError(f"the mail server refused: {error.code} {error.message}") from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise SeamError(f"no connection to {place}: {' '.join(str(error).split()) or type(error).__name__}") from None
    except ValueError as error:
        raise StepBlocked(f"with.send: {error}") from None
    told: dict[str, Any] = {"answer": answer, "id": str(message["Message-ID"])}
    if refused:
        told["refused"] = {name: f"{one.code} {one.message}" for name, one in refused.items()}
    return told


def _message(params: Mapping[str, Any], traceparent: str) -> EmailMessage:
    message = EmailMessage()
    try:
        message["From"] = str(params["from"])
        message["To"] = ", ".join(_addresses(params, "to"))
        if params.get("cc"):
            message["Cc"] = ", ".join(_addresses(params, "cc"))
        message["Subject"] = str(params.get("subject") or "")
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain="integhub.invalid")
        if traceparent:
            message["traceparent"] = traceparent
        for name, value in (params.get("headers") or {}).items():
            del message[name]
            message[name] = str(value)
        message.set_content(str(params.get("text") or ""))
        if params.get("html"):
            message.add_alternative(str(params["html"]), subtype="html")
    except (ValueError, TypeError, IndexError) as error:
        raise StepBlocked(f"the mail cannot be written: {error}") from None
    return message


def _addresses(params: Mapping[str, Any], name: str) -> list[str]:
    return [str(address) for address in params.get(name) or []]


def _server(url: str) -> tuple[str, str, int, str, str]:
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("use smtp://host:port or smtps://host:port")
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise StepBlocked(f"the mail server's URL cannot be used: {error}") from None
    return parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or "")


async def _connected(host: str, port: int, egress: EgressPolicy) -> socket.socket:
    """A socket to the first address that answers. Raises ``OSError`` or ``EgressDenied``."""
    addresses = await egress.resolve(host, port)
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, (address, port))
        except OSError:
            made.close()
            if address == addresses[-1]:
                raise
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise OSError("no address")


def _context(ca: str, ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca or None, cafile=None if ca else ca_file or None)
    except ssl.SSLError as error:
        raise StepBlocked(f"with.send.ca is no certificate: {error.reason or error}") from None
