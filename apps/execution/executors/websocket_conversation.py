"""What is said over a WebSocket: turns in the order of the step, and everything that came."""

import base64
import binascii
import json
import time
from collections.abc import Mapping
from typing import Any, cast

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from apps.execution.engine.differences import written
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors import http_messages
from apps.execution.executors.base import Observed, StepBlocked, StepContext, StepRequest
from apps.execution.executors.http_cookies import cookie_header
from apps.execution.executors.messages_wanted import decoded
from apps.execution.executors.tls import context_of
from apps.execution.executors.turns import Ended, Missing, Turns
from apps.execution.executors.urls import without_password
from apps.execution.executors.websocket_connection import Opening, headers_of


class Conversation(Turns):
    """One connection from its opening to its end."""

    ending = "close the connection"

    def __init__(self, settings: EngineSettings, step: StepRequest, context: StepContext) -> None:
        super().__init__()
        self._settings = settings
        self._params = step.params
        self._limit = step.timeout
        self._size = 0
        self._connection: ClientConnection | None = None
        self._opening = self._prepare(context)
        self._started = time.perf_counter()
        self._ended = 0.0
        self._messages: list[dict[str, Any]] = []
        self.observed = Observed()

    def _prepare(self, context: StepContext) -> Opening:
        params, url = self._params, str(self._params["url"]).strip()
        headers = http_messages.headers_of(params, "", context.traceparent)
        secure = url.lower().startswith("wss://")
        try:
            cookies = cookie_header(context.session, url) if params.get("cookies", True) else ""
            if cookies and "cookie" not in {name.lower() for name, _value in headers}:
                headers.append(("Cookie", cookies))
            return Opening(
                url,
                headers=headers,
                subprotocols=[str(name) for name in params.get("subprotocols") or []],
                context=context_of(params, self._settings.ca_file) if secure else None,
                egress=self._settings.egress,
                largest=self._settings.body_read,
            )
        except (InvalidURI, ValueError) as error:
            reason = str(error) or "it must begin with ws:// or wss://"
            raise StepBlocked(f"the URL “{without_password(url)}” cannot be used: {reason}") from None

    async def hold(self) -> None:
        """Connect, take every turn, and close."""
        try:
            connection = self._connection = await self._opening.connect()
        except InvalidStatus as error:  # an answer, which checks may want
            self._opening.lap("first_byte")
            self._show_handshake(error.response)
            self.observed.response["body"] = bytes(error.response.body or b"").decode(errors="replace")
            return
        self._opening.lap("first_byte")
        self._show_handshake(connection.response)
        self.observed.subjects["subprotocol"] = connection.subprotocol or ""
        await self.take(self._params.get("exchange") or [])
        self._ended = time.perf_counter()  # closing is ours, and some servers take their time for it
        await connection.close()

    @property
    def heard(self) -> int:
        """How many messages came so far."""
        return len(self._messages)

    @property
    def _line(self) -> ClientConnection:
        return cast(ClientConnection, self._connection)  # turns are taken while it is open

    async def say(self, item: Mapping[str, Any]) -> None:
        """Send what the turn *item* says. Raises ``ConnectionClosed``."""
        await self._line.send(_payload(item, self.place))

    async def hear(self) -> Mapping[str, Any]:
        """The next message. Raises ``Ended`` and ``Missing``."""
        try:
            return self._keep(await self._line.recv())
        except ConnectionClosed:
            raise Ended from None

    def _keep(self, message: str | bytes) -> dict[str, Any]:
        at = round((time.perf_counter() - self._started) * 1000, 3)
        self._size += len(message)
        if len(self._messages) >= self._settings.rows or self._size > self._settings.body_read:
            raise Missing(f"more came than is read: {len(self._messages)} messages")
        if isinstance(message, str):
            kept = {"text": message, **decoded(message), "at": at}
        else:
            kept = {"base64": base64.b64encode(message).decode(), "at": at}
        self._messages.append(kept)
        return kept

    def _show_handshake(self, response: Any) -> None:
        headers = headers_of(response)
        self.observed.response |= {"status": response.status_code, "reason": response.reason_phrase, "headers": headers}
        self.observed.subjects |= {
            "status": response.status_code,
            "header": {name.lower(): value for name, value in headers.items()},
        }

    def seen(self) -> Observed:
        """What was seen so far."""
        observed, connection = self.observed, self._connection
        total = ((self._ended or time.perf_counter()) - self._started) * 1000
        spent = sum(self._opening.timings.values())
        observed.timings = {**self._opening.timings, "transfer": max(0.0, total - spent), "total": total}
        observed.subjects["messages"] = self._messages
        if connection is not None:
            if connection.subprotocol:
                observed.response["subprotocol"] = connection.subprotocol
            if connection.close_code is not None:
                observed.subjects |= {
                    "close_code": connection.close_code,
                    "close_reason": connection.close_reason or "",
                }
                observed.response |= {"close_code": connection.close_code, "close_reason": connection.close_reason}
            self._show_messages()
        return observed

    def _show_messages(self) -> None:
        limit = self._settings.body_stored
        try:
            text = written(self._messages, limit)
        except RecursionError:
            text = written([{**message, "json": "…"} for message in self._messages], limit)
        if len(text) <= limit:
            self.observed.response["messages"] = self._messages
        else:
            self.observed.response["messages"] = text[:limit] + "…"
            self.observed.notes.append(f"of the messages the first {limit} characters are kept")

    def drop(self) -> None:
        """Let go of a connection that was not closed in order."""
        if self._connection is not None:
            self._connection.transport.abort()

    def timed_out(self) -> str:
        """Why the step's time was not enough."""
        if self._connection is None:
            return f"no WebSocket at {self._where()} within {self._limit:g} s: does it answer there?"
        return f"{self.waiting or 'the conversation did not end'} within {self._limit:g} s"

    def closed_early(self) -> str:
        """The other side closed while something was still to be sent or received."""
        connection = self._connection
        code = connection.close_code if connection is not None else None
        reason = connection.close_reason if connection is not None else ""
        why = f" with {code}" + (f" “{reason}”" if reason else "") if code and code != 1006 else " without a word"
        progress = f"{self.waiting}; " if self.waiting else f"{self.place} could not be sent: "
        return f"{progress}the other side closed the connection{why}"

    def not_opened(self, error: Exception) -> str:
        """Why there is no connection."""
        reason = " ".join(str(error.__cause__ or error).split()) or type(error).__name__
        if isinstance(error, InvalidHandshake):
            return f"{self._where()} does not speak WebSocket: {reason}"
        return f"no WebSocket at {self._where()}: {reason}"

    def _where(self) -> str:
        return f"{self._opening.ws_uri.host}:{self._opening.ws_uri.port}"


def _payload(item: Mapping[str, Any], place: str) -> str | bytes:
    if "json" in item:
        return json.dumps(item["json"], ensure_ascii=False)
    if "base64" in item:
        try:
            return base64.b64decode("".join(str(item["base64"]).split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise StepBlocked(f"with.{place}.base64 is not Base64: {error}") from None
    return str(item.get("send", ""))
