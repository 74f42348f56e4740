"""Requests through a proxy, which connects in our place: each address is checked before the proxy is asked for it.

libcurl follows redirects without a word; behind a proxy nobody would look where they lead. So each is a request of
its own here, by the rules that libcurl and browsers have.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import pycurl

from apps.execution.engine.egress import EgressPolicy
from apps.execution.executors.base import Observed, SeamError
from apps.execution.executors.http_failures import MAX_REDIRECTS, Failure
from apps.execution.executors.http_messages import Request
from apps.execution.executors.http_options import check_target
from apps.execution.executors.urls import without_password

_FOLLOWED = (301, 302, 303, 307, 308)
_OF_ONE_HOST = ("authorization", "cookie")

Send = Callable[[Request, Mapping[str, Any], float], Awaitable[Observed]]
"""Sends one request by the step's parameters, within seconds."""


async def through_proxy(
    request: Request, params: Mapping[str, Any], limit: float, send: Send, egress: EgressPolicy
) -> Observed:
    """Send *request* within *limit* seconds, and follow its redirects when *params* say so."""
    ends = time.monotonic() + limit
    single = {**params, "follow_redirects": False}
    spent: dict[str, float] = {}
    chain: list[dict[str, Any]] = []
    while True:
        addresses = await check_target(request.url, egress)
        hop = _pinned(request, addresses, limit) if _looks_up_here(params) else request
        observed = await send(hop, single, ends - time.monotonic())
        for name, value in observed.timings.items():
            spent[name] = spent.get(name, 0.0) + value
        location = observed.subjects.get("header", {}).get("location", "")
        status = observed.subjects.get("status", 0)
        if not (params.get("follow_redirects") and status in _FOLLOWED and location):
            return _joined(observed, chain, spent, request)
        chain.append({"status": status, "url": without_password(request.url), "location": without_password(location)})
        if len(chain) > MAX_REDIRECTS:
            raise SeamError(f"{urlsplit(request.url).hostname} redirects more than {MAX_REDIRECTS} times", observed)
        request = _following(request, status, location, observed)


def _looks_up_here(params: Mapping[str, Any]) -> bool:
    """Whether the proxy is told an address and not a name: libcurl would look up the name once more."""
    return str(params["proxy"]).strip().lower().startswith("socks5://")


def _pinned(request: Request, addresses: list[str], limit: float) -> Request:
    """*request* to the first of the *addresses* that were checked: a second look-up could find others."""
    if not addresses:
        unknown = Failure(pycurl.E_COULDNT_RESOLVE_HOST, "", request.url, limit, "connection", 0)
        raise SeamError(str(unknown), Observed(request=request.shown()))
    return replace(request, address=addresses[0])


def _joined(observed: Observed, chain: list[dict[str, Any]], spent: dict[str, float], last: Request) -> Observed:
    if chain:
        observed.timings = spent
        observed.subjects["redirects"] = chain
        observed.response |= {"redirects": chain, "url": without_password(last.url)}
    return observed


def _following(request: Request, status: int, location: str, observed: Observed) -> Request:
    """The request that a redirect to *location* asks for."""
    try:
        url = urljoin(request.url, location)
        same_origin = _origin(url) == _origin(request.url)
    except ValueError as error:
        shown = without_password(location)
        raise SeamError(f"it redirects to “{shown}”, which is no address: {error}", observed) from None
    if not url.lower().startswith(("http://", "https://")):
        raise SeamError(f"it redirects to “{without_password(url)}”, which is not HTTP", observed)
    request = replace(request, url=url)
    if status == 303 or (status in (301, 302) and request.method == "POST"):
        method = "HEAD" if request.method == "HEAD" else "GET"
        request = replace(request, method=method, body=None, readable="")
        request.headers = [pair for pair in request.headers if pair[0].lower() != "content-type"]
    if not same_origin:
        request.headers = [pair for pair in request.headers if pair[0].lower() not in _OF_ONE_HOST]
        request.signed_in = False
    return request


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
