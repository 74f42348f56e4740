"""One transfer of libcurl: its options, what it read, and what its errors mean."""

import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pycurl

from apps.execution.engine.differences import written
from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors import http_options
from apps.execution.executors.base import NotObserved, Observed, SeamError, StepBlocked
from apps.execution.executors.http_cookies import CookieJar, sets_cookies
from apps.execution.executors.http_failures import MAX_REDIRECTS, Failure, Stage
from apps.execution.executors.http_messages import Head, Request, heads_of, redirects_in, text_of
from apps.execution.executors.http_stream import EventStream
from apps.execution.executors.markup import markup
from apps.execution.executors.urls import without_password

_DNS_KEPT = 30  # seconds
_SET_ALWAYS = frozenset({"method", "url", "params", "headers", "auth", "cookies"})
_HTTP_ONLY = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


def ca_options(ca_file: str) -> list[tuple[int, str]]:
    """The options that name the authorities to trust: *ca_file*, else those of the machine."""
    if ca_file:
        return [(pycurl.CAINFO, ca_file)]
    paths = ssl.get_default_verify_paths()
    options = [(pycurl.CAINFO, paths.cafile), (pycurl.CAPATH, paths.capath)]
    return [(option, path) for option, path in options if path]


def prepare_handle(curl: pycurl.Curl, trust: list[tuple[int, str]], *, cookies: bool) -> pycurl.Curl:
    """Give *curl* what holds for every request; with *cookies* it keeps them, until it is closed."""
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.PROTOCOLS, _HTTP_ONLY)
    curl.setopt(pycurl.REDIR_PROTOCOLS, _HTTP_ONLY)
    curl.setopt(pycurl.PROXY, "")  # a proxy of the worker's environment would hide the address
    curl.setopt(pycurl.ACCEPT_ENCODING, "")
    curl.setopt(pycurl.DNS_CACHE_TIMEOUT, _DNS_KEPT)
    for option, path in trust:
        curl.setopt(option, path)
    if cookies:
        curl.setopt(pycurl.COOKIEFILE, "")
    return curl


class Transfer:
    """Sets up *curl* for one request and collects the response, up to a limit."""

    def __init__(
        self, curl: pycurl.Curl, request: Request, settings: EngineSettings, trust: list[tuple[int, str]]
    ) -> None:
        self._curl = curl
        self._request = request
        self._settings = settings
        self._trust = trust
        self._lines: list[bytes] = []
        self._parts: list[bytes] = []
        self._size = 0
        self.cut = False
        self.denied: EgressDenied | None = None
        self.stream: EventStream | None = None
        self._jar: CookieJar | None = None
        self._sent_cookies = ""
        self.limit = 0.0
        """Seconds within which the response must end."""
        self.reusable = False
        """Whether the handle may serve other requests: it was told to keep cookies, and met none."""

    def keep_cookies(self, jar: CookieJar) -> None:
        """Send the cookies of *jar*, and put those of the response into it."""
        self._jar = jar
        self.reusable = not jar.give(self._curl)
        if not self.reusable:  # only libcurl knows which of them fit the request
            self._curl.setopt(pycurl.VERBOSE, 1)
            self._curl.setopt(pycurl.DEBUGFUNCTION, self._note_cookies)

    def _note_cookies(self, kind: int, text: bytes) -> None:
        if kind == pycurl.INFOTYPE_HEADER_OUT:
            lines = text.decode("utf-8", errors="replace").splitlines()
            self._sent_cookies = next((line[8:] for line in lines if line.lower().startswith("cookie: ")), "")

    def read_stream(self, stream: EventStream) -> None:
        """Read events until *stream* has what it wants, or its time is over."""
        self.stream = stream
        if stream.wanted.wait is not None and stream.wanted.wait < self.limit:
            self.limit = stream.wanted.wait
            self._curl.setopt(pycurl.TIMEOUT_MS, max(1, int(self.limit * 1000)))

    def left_nothing(self, params: Mapping[str, Any]) -> bool:
        """Whether the handle is as before: what the request set, every request sets."""
        return self._request.method == "GET" and self._request.body is None and _SET_ALWAYS.issuperset(params)

    def let_go(self) -> None:
        """Keep nothing that the idle handle would keep with it."""
        self._lines.clear()
        self._parts.clear()

    def set_up(self, params: Mapping[str, Any], timeout: float) -> None:
        """Give libcurl the request. Raises ``StepBlocked`` for what it cannot send."""
        curl, self.limit = self._curl, timeout
        try:
            curl.setopt(pycurl.URL, self._request.url)
            self._set_method(params)
            curl.setopt(pycurl.HTTPHEADER, [*self._request.header_lines(), b"Expect:"])
            if not params.get("verify", True):
                curl.setopt(pycurl.SSL_VERIFYPEER, 0)
                curl.setopt(pycurl.SSL_VERIFYHOST, 0)
            if params.get("ca"):
                curl.setopt(pycurl.CAINFO_BLOB, params["ca"])
            if not http_options.RARE.isdisjoint(params):
                http_options.apply(curl, params, self._trust)
            if self._request.address:
                curl.setopt(pycurl.CONNECT_TO, [f"::[{self._request.address}]:"])
        except (pycurl.error, TypeError, ValueError) as error:
            raise StepBlocked(f"the request cannot be sent: {error}") from None
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(timeout * 1000)))
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._write)

    def _set_method(self, params: Mapping[str, Any]) -> None:
        curl, method, body = self._curl, self._request.method, self._request.body
        if params.get("follow_redirects"):
            curl.setopt(pycurl.FOLLOWLOCATION, 1)
            curl.setopt(pycurl.MAXREDIRS, MAX_REDIRECTS)
        if body is not None or method == "POST":
            # As POST and not by name, so that a redirect may turn it into GET, as browsers do.
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDSIZE, len(body or b""))
            curl.setopt(pycurl.POSTFIELDS, body or b"")
        if method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        elif method != ("POST" if body is not None else "GET") and method != "POST":
            curl.setopt(pycurl.CUSTOMREQUEST, method)

    def _open_socket(self, purpose: int, address: Any) -> socket.socket | int:
        """Called before every connection, also after a redirect, with the address that was resolved."""
        del purpose
        ip = str(address.addr[0])
        if not self._settings.egress.permits(ip):
            self.denied = EgressDenied(urlsplit(self._request.url).hostname or "", ip)
            return int(pycurl.SOCKET_BAD)
        return socket.socket(address.family, address.socktype, address.protocol)

    def _write(self, part: bytes) -> int:
        room = self._settings.body_read - self._size
        self._size += len(part)
        if len(part) > room:
            self._parts.append(part[:room])
            self.cut = True
            return 0  # ends the transfer
        self._parts.append(part)
        if self.stream is not None and self.stream.feed(part, self._content_type):
            return 0
        return len(part)

    def _content_type(self) -> str:
        return heads_of(self._lines)[-1].values.get("content-type", "")

    def ended_by_us(self, code: int) -> bool:
        """Whether libcurl's error *code* only says that enough of the response was read."""
        if code == pycurl.E_WRITE_ERROR:
            return self.cut or (self.stream is not None and self.stream.done)
        timed = self.stream is not None and self.stream.wanted.is_timed
        return timed and code == pycurl.E_OPERATION_TIMEDOUT and bool(self._curl.getinfo(pycurl.RESPONSE_CODE))

    def close(self) -> None:
        """The transfer is over: keep its cookies."""
        if self._jar is not None and (not self.reusable or sets_cookies(self._lines)):
            self._jar.learn(self._curl)
            self.reusable = False

    def observed(self) -> Observed:
        """What was sent and received, as far as it came."""
        heads = heads_of(self._lines)
        head = heads[-1]
        observed = Observed(request=self._request.shown(), timings=self._timings())
        if self._sent_cookies:
            observed.request["cookies"] = self._sent_cookies
        status = self._curl.getinfo(pycurl.RESPONSE_CODE)
        if not status:
            return observed
        body = b"".join(self._parts)
        text = text_of(body, head.values.get("content-type", ""))
        observed.response = self._shown(status, head, body, text, observed.notes)
        observed.subjects = {
            "status": status,
            "header": head.values,
            "version": head.version,
            "body": text if text is not None else _not_text,
            "json": lambda: self._json(text),
            "xml": lambda: markup(text, head.values.get("content-type", "")),
            "redirects": [],
        }
        if len(heads) > 1 and (chain := redirects_in(heads, self._request.url)):
            observed.response |= {"redirects": chain, "url": without_password(self._curl.getinfo(pycurl.EFFECTIVE_URL))}
            observed.subjects["redirects"] = chain
        if self.stream is not None:
            self._show_stream(self.stream, observed)
        return observed

    def _show_stream(self, stream: EventStream, observed: Observed) -> None:
        stream.finish()
        observed.subjects["events"] = stream.events
        with suppress(RecursionError):  # nested too deeply: the text itself stays
            if len(written(stream.events, self._settings.body_stored)) <= self._settings.body_stored:
                observed.response["events"] = stream.events
                observed.response.pop("body", None)
        if stream.events:
            first = observed.subjects["first_event"] = stream.events[0]["at"]
            observed.response["first_event_ms"] = first

    def _shown(self, status: int, head: Head, body: bytes, text: str | None, notes: list[str]) -> dict[str, Any]:
        curl = self._curl
        shown: dict[str, Any] = {
            "status": status,
            "reason": head.reason,
            "version": head.version,
            "headers": head.headers,
            "size": len(body),
            "address": f"{curl.getinfo(pycurl.PRIMARY_IP)}:{curl.getinfo(pycurl.PRIMARY_PORT)}",
            "new_connection": bool(curl.getinfo(pycurl.NUM_CONNECTS)),
        }
        if self.cut:
            notes.append(self._cut_note(head))
        if text is None:
            notes.append(f"the body is not text: its {len(body)} bytes are not kept")
        elif len(text) > self._settings.body_stored:
            shown["body"] = text[: self._settings.body_stored] + "…"
            notes.append(f"of the body the first {self._settings.body_stored} characters are kept")
        else:
            shown["body"] = text + ("…" if self.cut else "")
        return shown

    def _cut_note(self, head: Head) -> str:
        declared = head.values.get("content-length", "")
        of = f" of {declared} bytes" if declared.isdigit() else ""
        return f"the body{of} was cut: reading stopped after {self._settings.body_read} bytes"

    def _json(self, text: str | None) -> Any:
        if text is None:
            raise NotObserved("the body is not JSON: it is not text")
        if self.cut:
            raise NotObserved(f"the body is not complete JSON: it was cut after {self._settings.body_read} bytes")
        try:
            return _JSON.decode(text)
        except ValueError as error:
            reason = "it is empty" if not text.strip() else str(error)
            raise NotObserved(f"the body is not JSON: {reason}") from None
        except RecursionError:
            raise NotObserved("the body is JSON that is nested too deeply") from None

    def _timings(self) -> dict[str, float]:
        """Milliseconds of each part, which add up to the total; with redirects each is the sum of all requests.

        A connection used again has no dns, connect and tls. Through a proxy, tls holds the proxy's own answer.
        """
        get = self._curl.getinfo
        dns, connect, tls = (
            get(pycurl.NAMELOOKUP_TIME_T),
            get(pycurl.CONNECT_TIME_T),
            get(pycurl.APPCONNECT_TIME_T),
        )
        first, total = get(pycurl.STARTTRANSFER_TIME_T), get(pycurl.TOTAL_TIME_T)
        connected = max(dns, connect, tls)
        return {
            "dns": dns / 1000,
            "connect": max(0, connect - dns) / 1000,
            "tls": max(0, tls - connect) / 1000,
            "first_byte": max(0, first - connected) / 1000,
            "transfer": max(0, total - first) / 1000 if first else 0.0,
            "total": total / 1000,
        }

    def failure(self, code: int, text: str) -> Exception:
        """What libcurl's error *code* means; ``StepBlocked`` or ``SeamError``, with what came before it."""
        if self.denied is not None:
            return StepBlocked(str(self.denied))
        if code == pycurl.E_SSL_CERTPROBLEM or (code != pycurl.E_SSL_CONNECT_ERROR and "private key" in text):
            return StepBlocked(
                f"the client certificate cannot be used: {text}. Are “certificate” and “key” PEM and a pair?"
            )
        if code == pycurl.E_URL_MALFORMAT and not self._lines:  # else it is that of a redirect
            return StepBlocked(f"the URL “{self._request.url}” cannot be used: {text}")
        failure = Failure(code, text, self._request.url, self.limit, self._waited_for(), self._size)
        return SeamError(str(failure), self.observed())

    def _waited_for(self) -> Stage:
        if self._curl.getinfo(pycurl.STARTTRANSFER_TIME_T):
            return "body"
        return "answer" if self._curl.getinfo(pycurl.CONNECT_TIME_T) else "connection"


def _not_text() -> Any:
    raise NotObserved("the body is not text")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
