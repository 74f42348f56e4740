"""Plain HTTP for tests: a call gives status, JSON and headers, whatever the status."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What came back; *body* is the parsed JSON, or the raw bytes when it is none."""

    status: int
    body: Any
    headers: "Message[str, str]"


def call(method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Send *body* as JSON (bytes as they are). Raises OSError when nobody answers."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return Answer(response.status, _parsed(response.read()), response.headers)
    except urllib.error.HTTPError as error:
        return Answer(error.code, _parsed(error.read()), error.headers)


def eventually(ask: Callable[[], T], is_right: Callable[[T], bool], *, within_seconds: float = 20.0) -> T:
    """Ask again until the answer is right; give back the last one, right or not."""
    deadline = time.monotonic() + within_seconds
    while not is_right(answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw
