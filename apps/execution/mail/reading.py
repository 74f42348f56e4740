"""Mail as JSON, bounded whatever somebody sends."""

from collections.abc import Iterator
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from typing import Any

MAX_TEXT = 100_000  # characters of a body
MAX_HEADERS = 100
MAX_HEADER = 2_000
_MAX_PARTS = 100
_MAX_DEPTH = 20


def as_json(raw: bytes, sender: str, recipients: list[str]) -> dict[str, Any]:
    """The mail *raw* as it was handed in by *sender* for *recipients*; of attachments only what they are.

    What cannot be read is told in ``defects``; never raises for a mail, however broken it is.
    """
    told: dict[str, Any] = {
        "from": sender, "to": recipients, "subject": "", "text": "", "html": "", "headers": {}, "attachments": [],
        "size": len(raw),
    }  # fmt: skip
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw)
        told |= _headers(message)
        for part in _parts(message, 0):
            _add(part, told)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError) as error:
        told["defects"] = [f"it cannot be read: {type(error).__name__}"]
        told["text"] = told["text"] or raw[:MAX_TEXT].decode("utf-8", "replace")
    return told


def _headers(message: Any) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for name, value in message.items()[:MAX_HEADERS]:
        text = str(value)[:MAX_HEADER]
        headers[name] = f"{headers[name]}, {text}"[:MAX_HEADER] if name in headers else text
    named = [address for _name, address in getaddresses([str(message.get("From", ""))]) if address]
    defects = [type(defect).__name__ for defect in message.defects]
    told = {"headers": headers, "subject": str(message.get("Subject", ""))[:MAX_HEADER]}
    return {**told, **({"from": named[0]} if named else {}), **({"defects": defects} if defects else {})}


def _parts(message: Any, depth: int, left: list[int] | None = None) -> Iterator[EmailMessage]:
    """The parts that hold something, at most so many and so deep."""
    left = left if left is not None else [_MAX_PARTS]
    if message.is_multipart() and depth < _MAX_DEPTH:
        for part in message.get_payload():
            yield from _parts(part, depth + 1, left)
    elif left[0] > 0:
        left[0] -= 1
        yield message


def _add(part: EmailMessage, told: dict[str, Any]) -> None:
    kind = part.get_content_type()
    name = {"text/plain": "text", "text/html": "html"}.get(kind, "")
    if name and part.get_content_disposition() != "attachment" and not told[name]:
        told[name] = _text(part)
        return
    payload = part.get_payload(decode=True)
    size = len(payload) if isinstance(payload, bytes) else 0
    told["attachments"].append({"name": (part.get_filename() or "")[:200], "type": kind, "size": size})


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        text = raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    text = text.replace("\r\n", "\n")
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
