"""What only some requests need of libcurl: versions, proxies, client certificates.

Apart from the common path, which asks no more than whether one of these is given.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pycurl

from apps.execution.engine.egress import EgressDenied, EgressPolicy
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.urls import without_password

RARE = frozenset({"http_version", "proxy", "client"})
_SUPPRESS_CONNECT_HEADERS = 265  # pycurl has no name for it: the answer of a proxy is not that of the server
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_OF_PROXY = {pycurl.CAINFO: pycurl.PROXY_CAINFO, pycurl.CAPATH: pycurl.PROXY_CAPATH}
_VERSIONS = {
    "1.0": pycurl.CURL_HTTP_VERSION_1_0,
    "1.1": pycurl.CURL_HTTP_VERSION_1_1,
    "2": pycurl.CURL_HTTP_VERSION_2TLS,
}


def apply(curl: pycurl.Curl, params: Mapping[str, Any], trust: Sequence[tuple[int, str]]) -> None:
    """Set on *curl* what *params* ask for; *trust* names the authorities of the worker. Raises ``StepBlocked``."""
    version = params.get("http_version", "auto")
    if version == "2" and str(params["url"]).strip().lower().startswith("http:"):
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
    elif version in _VERSIONS:
        curl.setopt(pycurl.HTTP_VERSION, _VERSIONS[version])
    if params.get("client"):
        _set_client(curl, params["client"])
    if params.get("proxy"):
        _set_proxy(curl, params, trust)


def _set_client(curl: pycurl.Curl, client: Mapping[str, Any]) -> None:
    """The certificate goes into libcurl's memory; no file is written."""
    certificate = str(client["certificate"]).encode()
    curl.setopt(pycurl.SSLCERTTYPE, "PEM")
    curl.setopt(pycurl.SSLCERT_BLOB, certificate)
    curl.setopt(pycurl.SSLKEYTYPE, "PEM")
    curl.setopt(pycurl.SSLKEY_BLOB, str(client.get("key") or "").encode() or certificate)
    if client.get("password"):
        curl.setopt(pycurl.KEYPASSWD, str(client["password"]))


def _set_proxy(curl: pycurl.Curl, params: Mapping[str, Any], trust: Sequence[tuple[int, str]]) -> None:
    proxy = str(params["proxy"]).strip()
    scheme = proxy.partition("://")[0].lower()
    if "://" not in proxy or scheme not in _PROXY_SCHEMES:
        known = ", ".join(f"{name}://" for name in _PROXY_SCHEMES)
        raise StepBlocked(f"the proxy “{without_password(proxy)}” cannot be used: it must begin with one of {known}")
    curl.setopt(pycurl.PROXY, proxy)
    curl.setopt(_SUPPRESS_CONNECT_HEADERS, 1)
    curl.setopt(pycurl.NOPROXY, "")
    for option, path in trust:
        curl.setopt(_OF_PROXY[option], path)
    if not params.get("verify", True):
        curl.setopt(pycurl.PROXY_SSL_VERIFYPEER, 0)
        curl.setopt(pycurl.PROXY_SSL_VERIFYHOST, 0)
    if params.get("ca"):
        curl.setopt(pycurl.PROXY_CAINFO_BLOB, params["ca"])


# libcurl and Python read odd addresses differently (three slashes, percent codes, several @): what both read alike.
_PLAIN_PLACE = re.compile(
    r"(?P<scheme>https?)://(?:[^/?#@\\]*@)?(?P<host>\[[0-9a-f:.]+\]|[\w.~-]+)(?::(?P<port>\d{1,5}))?(?:[/?#]|$)",
    re.ASCII | re.IGNORECASE,
)


async def check_target(url: str, egress: EgressPolicy) -> list[str]:
    """Whether a proxy may be asked for *url*: libcurl sees only the proxy's address. Returns the addresses that were
    checked, none where the name is not known here. Raises ``StepBlocked``.

    A name that only the proxy's name service knows is the proxy's to guard, unless everything that is not
    allowed is denied.
    """
    place = _PLAIN_PLACE.match(url)
    if place is None:
        shown = without_password(url)
        raise StepBlocked(f"the URL “{shown}” cannot be used through a proxy: its host is no plain name or address")
    usual = 443 if place["scheme"].lower() == "https" else 80
    try:
        # libcurl drops the dot of a name that is complete; no address has one for getaddrinfo.
        return await egress.check(place["host"].strip("[]").removesuffix("."), int(place["port"] or usual))
    except EgressDenied as error:
        raise StepBlocked(str(error)) from None
