"""HTTP requests by libcurl: one connection cache for all cases of the event loop, full timings."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import pycurl

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors import http_messages as messages
from apps.execution.executors.base import Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.http_cookies import CookieJar
from apps.execution.executors.http_multi import Multi, open_multi
from apps.execution.executors.http_proxy import through_proxy
from apps.execution.executors.http_stream import EventStream
from apps.execution.executors.http_transfer import Transfer, ca_options, prepare_handle

_IDLE_HANDLES = 64
_GRACE = 0.5  # seconds for libcurl to say itself what it waited for


class HttpExecutor:
    """Sends requests over connections that are shared by every case of the loop."""

    kind: ClassVar[str] = "http"
    grace: ClassVar[float | None] = None  # libcurl keeps the time itself and knows what it waited for

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._multi: Multi | None = None
        self._idle: list[pycurl.Curl] = []
        self._trust = ca_options(settings.ca_file)

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        try:
            return messages.prepare(params, "").shown()
        except StepBlocked:
            return {"method": params.get("method", "GET"), "url": params.get("url", "")}

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Send the request and read the response."""
        params = step.params
        request = messages.prepare(params, context.traceparent)
        jar = CookieJar(context.session) if params.get("cookies", True) else None
        if params.get("proxy"):

            async def send(hop: messages.Request, hop_params: Mapping[str, Any], left: float) -> Observed:
                return await self._send(hop, hop_params, left, jar)

            async with asyncio.timeout(step.timeout + _GRACE):  # the names of targets are looked up besides libcurl
                return await through_proxy(request, params, step.timeout, send, self._settings.egress)
        return await self._send(request, params, step.timeout, jar)

    async def _send(
        self, request: messages.Request, params: Mapping[str, Any], limit: float, jar: CookieJar | None
    ) -> Observed:
        # A handle that was used before would keep the cookies of a redirect for the next request.
        curl = self._idle.pop() if self._idle and jar is not None else self._new_handle(cookies=jar is not None)
        transfer = Transfer(curl, request, self._settings, self._trust)
        transfer.set_up(params, limit)
        if jar is not None:
            transfer.keep_cookies(jar)
        if params.get("stream"):
            transfer.read_stream(EventStream(params["stream"]))
        ended = "before the stream ended"
        try:
            await self._open_multi().perform(curl)
        except pycurl.error as error:
            code, text = error.args
            if not transfer.ended_by_us(code):
                raise transfer.failure(code, text) from None
            ended = f"within {transfer.limit:g} s" if code == pycurl.E_OPERATION_TIMEDOUT else ended
        transfer.close()
        # A cancelled handle is still being taken out of the multi handle: only others are used again.
        observed = transfer.observed()
        if transfer.reusable:
            transfer.let_go()
            self._recycle(curl, as_before=transfer.left_nothing(params))
        else:
            curl.close()
        if transfer.stream is not None and (missing := transfer.stream.missing(ended)):
            raise SeamError(missing, observed)
        return observed

    def _new_handle(self, *, cookies: bool) -> pycurl.Curl:
        return prepare_handle(pycurl.Curl(), self._trust, cookies=cookies)

    def _recycle(self, curl: pycurl.Curl, *, as_before: bool) -> None:
        if len(self._idle) >= _IDLE_HANDLES:
            curl.close()
            return
        if not as_before:
            curl.reset()
            prepare_handle(curl, self._trust, cookies=True)
        self._idle.append(curl)

    def _open_multi(self) -> Multi:
        if self._multi is None:
            self._multi = open_multi(self._settings.connections)
        return self._multi

    async def aclose(self) -> None:
        """End every transfer and close every connection."""
        if self._multi is not None:
            await self._multi.aclose()
            self._multi = None
        while self._idle:
            with suppress(pycurl.error):
                self._idle.pop().close()
