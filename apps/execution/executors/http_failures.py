"""What errors of libcurl mean, in words that say what to check."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import pycurl

MAX_REDIRECTS = 10
Stage = Literal["connection", "answer", "body"]

_TLS_ERRORS = {
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_SSL_CIPHER,
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CACERT_BADFILE,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """libcurl's *code* and *text* for a request to *url* that had *limit* seconds.

    *waited_for* is what it waited for at the end; *size* counts the bytes of the body that came.
    """

    code: int
    text: str
    url: str
    limit: float
    waited_for: Stage
    size: int

    def __str__(self) -> str:
        """One sentence."""
        host, where = self._place()
        if self.code == pycurl.E_COULDNT_RESOLVE_HOST:
            return f"the name {host} is not known: check the URL and the name service of the worker"
        if self.code == pycurl.E_COULDNT_RESOLVE_PROXY:
            return "the name of the proxy is not known: check “proxy” and the name service of the worker"
        if self.code == pycurl.E_COULDNT_CONNECT:
            return f"no connection to {where}: {self.text}. Does the service run there, and is the port right?"
        if self.code == pycurl.E_OPERATION_TIMEDOUT:
            return self._timed_out(where)
        if self.code in _TLS_ERRORS:
            return (
                f"no TLS connection to {where}: {self.text}. Check the certificate and who issued it "
                "(“ca” trusts an own authority, “verify: false” trusts everyone)."
            )
        if self.code == pycurl.E_TOO_MANY_REDIRECTS:
            return f"{where} redirects more than {MAX_REDIRECTS} times"
        if self.code == pycurl.E_GOT_NOTHING:
            return f"{where} closed the connection without an answer"
        return f"the exchange with {where} broke off: {self.text}"

    def _place(self) -> tuple[str | None, str]:
        parts = urlsplit(self.url)
        return parts.hostname, f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    def _timed_out(self, where: str) -> str:
        if self.waited_for == "connection":
            limit = f"{self.limit:g} s"
            return f"no connection to {where} within {limit}: is the address right, and does nothing block it?"
        if self.waited_for == "answer":
            return f"{where} took the request but did not answer within {self.limit:g} s"
        return f"the answer of {where} did not end within {self.limit:g} s; {self.size} bytes came"
