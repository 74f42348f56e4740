"""Bodies of ``multipart/form-data`` (RFC 7578): fields and files, given in the step itself."""

import base64
import binascii
import json
import secrets
from collections.abc import Sequence
from typing import Any

from apps.execution.executors.base import StepBlocked

# What browsers write instead of characters that would end the quoted text.
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


def multipart(parts: Sequence[dict[str, Any]]) -> tuple[bytes, str, str]:
    """The body of *parts*, its content type, and the body for people. Raises ``StepBlocked``."""
    boundary = f"integhub-{secrets.token_hex(12)}"
    sent: list[bytes] = []
    shown: list[str] = []
    for index, part in enumerate(parts):
        content = _content(part, index)
        head = _head(part, index)
        sent += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), content, b"\r\n"]
        shown.append(f"--{boundary}\n{head}\n\n{_readable(part, content)}\n".replace("\r\n", "\n"))
    sent.append(f"--{boundary}--\r\n".encode())
    shown.append(f"--{boundary}--\n")
    return b"".join(sent), f"multipart/form-data; boundary={boundary}", "".join(shown)


def _content(part: dict[str, Any], index: int) -> bytes:
    if "base64" in part:
        try:
            return base64.b64decode("".join(str(part["base64"]).split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise StepBlocked(f"with.multipart[{index}].base64 is not Base64: {error}") from None
    if "json" in part:
        return json.dumps(part["json"], ensure_ascii=False).encode()
    return str(part.get("value", "")).encode()


def _head(part: dict[str, Any], index: int) -> str:
    disposition = f'form-data; name="{str(part["name"]).translate(_QUOTED)}"'
    content_type = part.get("type") or ("application/json" if "json" in part else "")
    if part.get("filename"):
        disposition += f'; filename="{str(part["filename"]).translate(_QUOTED)}"'
        content_type = content_type or "application/octet-stream"
    if any(character in content_type for character in "\r\n\0"):
        raise StepBlocked(f"with.multipart[{index}].type holds a line break: it cannot be sent")
    return f"Content-Disposition: {disposition}" + (f"\r\nContent-Type: {content_type}" if content_type else "")


def _readable(part: dict[str, Any], content: bytes) -> str:
    if "base64" not in part:
        return content.decode()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"({len(content)} bytes)"
    return f"({len(content)} bytes)" if "\0" in text else text
