"""Where everything listens: read from the process environment, one variable each."""

import os
from urllib.parse import urlsplit


class MissingVariableError(RuntimeError):
    """An environment variable that this service needs is not set."""


def required(variable: str) -> str:
    """Return the value of *variable*, or raise :class:`MissingVariableError` naming it."""
    value = os.environ.get(variable, "")
    if not value:
        raise MissingVariableError(f"{variable} is not set; examples/README.md lists the variables")
    return value


def url(service: str) -> str:
    """Base URL of an HTTP *service* (``SHOP_ORDERS_URL``), without the slash at its end."""
    return required(f"SHOP_{service.upper()}_URL").rstrip("/")


def listening(service: str) -> tuple[str, int]:
    """Host and port on which the HTTP *service* itself listens."""
    parts = urlsplit(url(service))
    if parts.hostname is None or parts.port is None:
        raise MissingVariableError(f"SHOP_{service.upper()}_URL names no host and port: {parts.geturl()}")
    return parts.hostname, parts.port
