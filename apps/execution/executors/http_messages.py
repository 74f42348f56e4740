"""HTTP requests and responses as values."""

import base64
import codecs
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

from apps.execution.engine.masking import MASK
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.http_multipart import multipart
from apps.execution.executors.urls import without_password

USER_AGENT = "IntegHub/1"
_LINE_BREAK = re.compile("[\r\n\0]")
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"
_TEXTUAL = ("text/", "json", "xml", "javascript", "x-www-form-urlencoded", "yaml", "csv", "graphql")


@dataclass(slots=True)
class Request:
    """What is sent. *headers* as (name, value), in order.

    *readable* is the body as people see it where the body itself is not text; *signed_in* says that
    the header ``Authorization`` was made from a password or token. *address* is where it goes, when that
    was looked up already: nobody asks for the name again.
    """

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    readable: str = ""
    signed_in: bool = False
    address: str = ""

    def shown(self) -> dict[str, Any]:
        """The request for people."""
        url = without_password(self.url) if "@" in self.url else self.url
        shown: dict[str, Any] = {"method": self.method, "url": url, "headers": dict(self.headers)}
        if self.signed_in:
            scheme = shown["headers"]["Authorization"].partition(" ")[0]
            shown["headers"]["Authorization"] = f"{scheme} {MASK}"
        if self.body is not None:
            shown["body"] = self.readable or self.body.decode(errors="replace")
        return shown

    def header_lines(self) -> list[bytes]:
        """The headers for libcurl, which takes an empty value only behind a semicolon."""
        return [f"{name}: {value}".encode() if value else f"{name};".encode() for name, value in self.headers]


def prepare(params: Mapping[str, Any], traceparent: str) -> Request:
    """The request that the rendered *params* of a step mean. Raises ``StepBlocked``."""
    body, content_type, readable = multipart(params["multipart"]) if "multipart" in params else (*_body(params), "")
    method = params.get("method") or ("POST" if "graphql" in params else "GET")
    headers = headers_of(params, content_type, traceparent)
    signed_in = "auth" in params and headers[-1][0] == "Authorization"
    return Request(method, _url(params), headers, body, readable, signed_in)


def headers_of(params: Mapping[str, Any], content_type: str, traceparent: str) -> list[tuple[str, str]]:
    """The headers of a step, with those that it need not name; what ``auth`` makes comes last."""
    headers = [(str(name), _plain(value)) for name, value in (params.get("headers") or {}).items()]
    names = {name.lower() for name, _value in headers}
    for name, value in (("Content-Type", content_type), ("traceparent", traceparent), ("User-Agent", USER_AGENT)):
        if value and name.lower() not in names:
            headers.append((name, value))
    if "auth" in params and "authorization" not in names:
        headers.append(("Authorization", _authorization(params["auth"])))
    for name, value in headers:
        if not name or _LINE_BREAK.search(name) or _LINE_BREAK.search(value):
            raise StepBlocked(f"the header “{name}” holds a line break or has no name: it cannot be sent")
    return headers


def _authorization(auth: Mapping[str, Any]) -> str:
    if auth.get("bearer"):
        return f"Bearer {auth['bearer']}"
    if not auth.get("username"):
        raise StepBlocked("“auth” needs a username (with its password) or a bearer token")
    both = f"{auth['username']}:{auth.get('password', '')}"
    return "Basic " + base64.b64encode(both.encode()).decode()


def _url(params: Mapping[str, Any]) -> str:
    url = str(params["url"]).strip()
    if not url.lower().startswith(("http://", "https://")):
        raise StepBlocked(f"the URL “{url}” cannot be used: it must begin with http:// or https://")
    if params.get("params"):
        query = urlencode(_expanded(params["params"]))
        base, mark, fragment = url.partition("#")
        url = f"{base}{'&' if '?' in base else '?'}{query}{mark}{fragment}"
    return url if url.isascii() and " " not in url else _escaped(url)


def _escaped(url: str) -> str:
    """*url* in ASCII: the host in IDNA, everything else percent-encoded."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, UnicodeError) as error:
        raise StepBlocked(f"the URL “{url}” cannot be used: {error}") from None
    user, at, _ = parts.netloc.rpartition("@")
    netloc = f"{quote(user, safe=_URL_SAFE)}{at}{host}{port}" if not parts.netloc.isascii() else parts.netloc
    path, query, fragment = (quote(part, safe=_URL_SAFE) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, netloc, path, query, fragment))


def _body(params: Mapping[str, Any]) -> tuple[bytes | None, str]:
    """The body and its content type."""
    if "json" in params:
        return json.dumps(params["json"], ensure_ascii=False).encode(), "application/json"
    if "graphql" in params:
        given = params["graphql"]
        query = {"query": given["query"], "variables": given.get("variables") or {}}
        if given.get("operation"):
            query["operationName"] = given["operation"]
        return json.dumps(query, ensure_ascii=False).encode(), "application/json"
    if "form" in params:
        return urlencode(_expanded(params["form"])).encode(), "application/x-www-form-urlencoded"
    if "body" in params:
        return str(params["body"]).encode(), "text/plain; charset=utf-8"
    return None, ""


def _expanded(pairs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names with their values; a list gives its name several times."""
    return [
        (name, _plain(value))
        for name, given in pairs.items()
        for value in (given if isinstance(given, list) else [given])
    ]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


@dataclass(slots=True)
class Head:
    """The first line and the headers of a response; *headers* as they came, *values* by lower name."""

    version: str = ""
    status: int = 0
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def head_of(lines: Iterable[bytes]) -> Head:
    """The last head in *lines*: those of redirects and of ``100 Continue`` come before it."""
    return heads_of(lines)[-1]


def heads_of(lines: Iterable[bytes]) -> list[Head]:
    """Every head in *lines*; at least one, empty when nothing came."""
    heads: list[Head] = []
    head = Head()
    for raw in lines:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if line.startswith("HTTP/"):
            version, _, rest = line.partition(" ")
            code, _, reason = rest.partition(" ")
            head = Head(version.removeprefix("HTTP/"), int(code) if code.isdigit() else 0, reason)
            heads.append(head)
            continue
        name, colon, value = line.partition(":")
        if colon:
            _add_header(head, name.strip(), value.strip())
    return heads or [head]


def redirects_in(heads: list[Head], url: str) -> list[dict[str, Any]]:
    """The redirects that were followed from *url* to the last of *heads*: ``{status, url, location}``."""
    chain: list[dict[str, Any]] = []
    for head in heads[:-1]:
        location = head.values.get("location", "")
        if 300 <= head.status < 400 and location:
            chain.append({"status": head.status, "url": without_password(url), "location": without_password(location)})
            url = urljoin(url, location)
    return chain


def _add_header(head: Head, name: str, value: str) -> None:
    lower = name.lower()
    if lower not in head.values:
        head.headers[name] = head.values[lower] = value
        return
    head.values[lower] += f", {value}"
    original = next(known for known in head.headers if known.lower() == lower)
    head.headers[original] = head.values[lower]


# Python's own, which no server means: some take minutes for a few megabytes, others know no “replace”.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})


def _charset(name: str) -> str:
    """The charset *name* of a Content-Type, or UTF-8 where it is none."""
    try:
        known = codecs.lookup(name)
        b"a".decode(name, "replace")  # refuses what turns bytes into bytes
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if known.name.replace("_", "-") in _NO_CHARSETS else known.name


def text_of(body: bytes, content_type: str) -> str | None:
    """The text of *body*, or nothing when it is not text."""
    kind, _, rest = content_type.partition(";")
    charset = _charset(rest.partition("charset=")[2].strip().strip("\"'").partition(";")[0])
    try:
        return body.decode(charset)
    except UnicodeDecodeError:
        textual = not kind or any(part in kind.lower() for part in _TEXTUAL)
        return body.decode(charset, errors="replace") if textual and b"\0" not in body else None
