"""Calls from one HTTP service to another, with trace context, a time limit and readable errors."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from examples.shop import telemetry
from examples.shop.errors import ShopError


@dataclass(frozen=True)
class Answer:
    """What came back: the status, and the JSON object of the body (empty without one)."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


class HttpClient:
    """Talks to one service, *name*, at *base_url*."""

    def __init__(self, session: aiohttp.ClientSession, name: str, base_url: str) -> None:
        self._session = session
        self._name = name
        self._base_url = base_url

    @classmethod
    @asynccontextmanager
    async def open(cls, name: str, base_url: str, *, timeout_seconds: float) -> AsyncIterator["HttpClient"]:
        """A client whose calls end after *timeout_seconds* at the latest."""
        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        connector = aiohttp.TCPConnector(limit=200)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            yield cls(session, name, base_url)

    async def call(
        self,
        method: str,
        path: str,
        *,
        route: str | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; a service that does not answer, or not in JSON, becomes a 502."""
        attributes = {"http.request.method": method, "url.full": self._base_url + path, "peer.service": self._name}
        sent = dict(headers or {})
        with telemetry.client_span(f"{method} {route or path}", sent, attributes) as span:
            try:
                async with self._session.request(method, self._base_url + path, json=body, headers=sent) as response:
                    raw = await response.read()
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                telemetry.failed(span, type(error).__name__)
                message = f"{self._name} does not answer: {type(error).__name__}"
                raise ShopError(502, f"{self._name}_unreachable", message) from error
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= 400:
                telemetry.failed(span, f"status {response.status}")
            return Answer(response.status, self._parsed(raw), dict(response.headers))

    def _parsed(self, raw: bytes) -> dict[str, Any]:
        try:
            body = json.loads(raw or b"{}")
        except ValueError as error:
            raise ShopError(502, f"{self._name}_unreadable", f"{self._name} answered with broken JSON") from error
        if not isinstance(body, dict):
            raise ShopError(502, f"{self._name}_unreadable", f"{self._name} answered without a JSON object")
        return body
