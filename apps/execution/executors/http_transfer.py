"""One transfer of libcurl: its options, what it read, and what its errors mean."""

import json
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pycurl

from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import NotObserved, Observed, StepBlocked
from apps.execution.executors.http_messages import Head, Request, head_of, text_of

_MAX_REDIRECTS = 10
_DNS_KEPT = 30  # seconds
_HTTP_ONLY = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
_TLS_ERRORS = {
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_SSL_CERTPROBLEM,
    pycurl.E_SSL_CIPHER,
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CACERT_BADFILE,
}


def ca_options(ca_file: str) -> list[tuple[int, str]]:
    """The options that name the authorities to trust: *ca_file*, else those of the machine."""
    if ca_file:
        return [(pycurl.CAINFO, ca_file)]
    paths = ssl.get_default_verify_paths()
    options = [(pycurl.CAINFO, paths.cafile), (pycurl.CAPATH, paths.capath)]
    return [(option, path) for option, path in options if path]


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

    def set_up(self, params: Mapping[str, Any], timeout: float) -> None:
        """Give libcurl the request. Raises ``StepBlocked`` for what it cannot send."""
        curl = self._curl
        try:
            curl.setopt(pycurl.URL, self._request.url)
            self._set_method(params)
            curl.setopt(pycurl.HTTPHEADER, [*self._request.header_lines(), b"Expect:"])
            if not params.get("verify", True):
                curl.setopt(pycurl.SSL_VERIFYPEER, 0)
                curl.setopt(pycurl.SSL_VERIFYHOST, 0)
            for option, path in self._trust:
                curl.setopt(option, path)
            if params.get("ca"):
                curl.setopt(pycurl.CAINFO_BLOB, params["ca"])
        except (pycurl.error, TypeError, ValueError) as error:
            raise StepBlocked(f"the request cannot be sent: {error}") from None
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(timeout * 1000)))
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROTOCOLS, _HTTP_ONLY)
        curl.setopt(pycurl.REDIR_PROTOCOLS, _HTTP_ONLY)
        curl.setopt(pycurl.PROXY, "")  # a proxy of the worker's environment would hide the address
        curl.setopt(pycurl.ACCEPT_ENCODING, "")
        curl.setopt(pycurl.DNS_CACHE_TIMEOUT, _DNS_KEPT)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._write)

    def _set_method(self, params: Mapping[str, Any]) -> None:
        curl, method, body = self._curl, self._request.method, self._request.body
        if params.get("follow_redirects"):
            curl.setopt(pycurl.FOLLOWLOCATION, 1)
            curl.setopt(pycurl.MAXREDIRS, _MAX_REDIRECTS)
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
        return len(part)

    def observed(self) -> Observed:
        """What was sent and received, as far as it came."""
        head = head_of(self._lines)
        observed = Observed(request=self._request.shown(), timings=self._timings())
        status = self._curl.getinfo(pycurl.RESPONSE_CODE)
        if not status:
            return observed
        body = b"".join(self._parts)
        text = text_of(body, head.values.get("content-type", ""))
        observed.response = self._shown(status, head, body, text, observed.notes)
        observed.subjects = {
            "status": status,
            "header": head.values,
            "body": text if text is not None else _not_text,
            "json": lambda: self._json(text),
        }
        return observed

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
        redirects = curl.getinfo(pycurl.REDIRECT_COUNT)
        if redirects:
            shown |= {"redirects": redirects, "url": curl.getinfo(pycurl.EFFECTIVE_URL)}
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
            return json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            reason = "it is empty" if not text.strip() else str(error)
            raise NotObserved(f"the body is not JSON: {reason}") from None
        except RecursionError:
            raise NotObserved("the body is JSON that is nested too deeply") from None

    def _timings(self) -> dict[str, float]:
        """Milliseconds of each part; a connection used again has no dns, connect and tls."""
        get = self._curl.getinfo
        dns, connect, tls = (
            get(pycurl.NAMELOOKUP_TIME_T),
            get(pycurl.CONNECT_TIME_T),
            get(pycurl.APPCONNECT_TIME_T),
        )
        sent, first, total = (
            get(pycurl.PRETRANSFER_TIME_T),
            get(pycurl.STARTTRANSFER_TIME_T),
            get(pycurl.TOTAL_TIME_T),
        )
        return {
            "dns": dns / 1000,
            "connect": max(0, connect - dns) / 1000,
            "tls": max(0, tls - connect) / 1000,
            "first_byte": max(0, first - sent) / 1000,
            "transfer": max(0, total - first) / 1000 if first else 0.0,
            "total": total / 1000,
        }

    def failure(self, code: int, text: str, timeout: float) -> Exception:
        """What libcurl's error *code* means, in words that say what to check."""
        if code == pycurl.E_URL_MALFORMAT:  # what it names may be no port, and no host
            return StepBlocked(f"the URL “{self._request.url}” cannot be used: {text}")
        parts = urlsplit(self._request.url)
        where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        if code == pycurl.E_COULDNT_RESOLVE_HOST:
            return OSError(f"the name {parts.hostname} is not known: check the URL and the name service of the worker")
        if code == pycurl.E_COULDNT_CONNECT:
            return OSError(f"no connection to {where}: {text}. Does the service run there, and is the port right?")
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return TimeoutError(self._timeout_message(where, timeout))
        if code in _TLS_ERRORS:
            return OSError(
                f"no TLS connection to {where}: {text}. Check the certificate and who issued it "
                "(“ca” trusts an own authority, “verify: false” trusts everyone)."
            )
        if code == pycurl.E_TOO_MANY_REDIRECTS:
            return OSError(f"{where} redirects more than {_MAX_REDIRECTS} times")
        if code == pycurl.E_GOT_NOTHING:
            return OSError(f"{where} closed the connection without an answer")
        return OSError(f"the exchange with {where} broke off: {text}")

    def _timeout_message(self, where: str, timeout: float) -> str:
        get = self._curl.getinfo
        if not get(pycurl.CONNECT_TIME_T):
            return f"no connection to {where} within {timeout:g} s: is the address right, and does nothing block it?"
        if not get(pycurl.STARTTRANSFER_TIME_T):
            return f"{where} took the request but did not answer within {timeout:g} s"
        return f"the answer of {where} did not end within {timeout:g} s; {self._size} bytes came"


def _not_text() -> Any:
    raise NotObserved("the body is not text")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
