"""The cookies of one case: libcurl reads and matches them, the case's session keeps them between steps.

Handles of libcurl are used for many cases, so none may keep a cookie: what a transfer knows afterwards is
taken out of it, and a handle that met cookies is not used again.
"""

import time
from collections.abc import Iterable
from urllib.parse import urlsplit

import pycurl

from apps.execution.executors.sessions import CaseSession

_HTTP_ONLY = "#HttpOnly_"
_MOST = 300  # cookies of one case


class CookieJar:
    """Cookies of *session*, as the lines in which libcurl gives and takes them."""

    def __init__(self, session: CaseSession) -> None:
        self._session = session
        self._given: set[str] = set()

    def give(self, curl: pycurl.Curl) -> bool:
        """Give *curl* the cookies of the case; whether there are any."""
        self._given.clear()
        for key, line in self._session.cookies.items():
            curl.setopt(pycurl.COOKIELIST, line)
            self._given.add(key)
        return bool(self._given)

    def learn(self, curl: pycurl.Curl) -> None:
        """Keep what *curl* knows now. What a step beside this one learnt meanwhile stays."""
        known = {_key(line): line for line in curl.getinfo(pycurl.INFO_COOKIELIST)}
        ours = self._session.cookies
        for forgotten in self._given - known.keys():
            ours.pop(forgotten, None)
        ours.update(known)
        for oldest in list(ours)[: max(0, len(ours) - _MOST)]:
            del ours[oldest]


def sets_cookies(lines: Iterable[bytes]) -> bool:
    """Whether one of the header *lines* sets a cookie."""
    return b"set-cookie" in b"".join(lines).lower()


def cookie_header(session: CaseSession, url: str) -> str:
    """The cookies of *session* that belong to *url*, for kinds that do not send by libcurl."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path or "/"
    lines = session.cookies.values()
    fields = (line.removeprefix(_HTTP_ONLY).split("\t") for line in lines)
    return "; ".join(f"{field[5]}={field[6]}" for field in fields if _fits(field, host, path, parts.scheme))


def _fits(field: list[str], host: str, path: str, scheme: str) -> bool:
    domain, below, prefix, secure, expires = field[0].lstrip("."), field[1], field[2], field[3], field[4]
    return (
        (host == domain or (below == "TRUE" and host.endswith("." + domain)))
        and (path == prefix or path.startswith(prefix.rstrip("/") + "/"))
        and (secure != "TRUE" or scheme in ("https", "wss"))
        and (expires == "0" or int(expires) > time.time())
    )


def _key(line: str) -> str:
    """Domain, path and name, which make a cookie one and the same.

    A line has, between tabs: domain, subdomains too, path, secure, expires, name, value.
    """
    parts = line.removeprefix(_HTTP_ONLY).split("\t")
    return "\t".join((parts[0], parts[2], parts[5]))
