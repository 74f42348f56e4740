"""How a gRPC call ended: its metadata, and the details of its status by the rich error model (google.rpc.Status)."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from apps.execution.executors.base import StepBlocked
from apps.execution.executors.grpc_messages import read

_DETAILS = "grpc-status-details-bin"
_STANDARD = error_details_pb2.DESCRIPTOR.message_types_by_name


def metadata_of(params: Mapping[str, Any], traceparent: str) -> list[tuple[str, str | bytes]]:
    """What is sent. Values of names that end with ``-bin`` are bytes, written in Base64. Raises ``StepBlocked``."""
    given = {
        str(name).lower(): value if isinstance(value, str) else json.dumps(value)
        for name, value in (params.get("metadata") or {}).items()
    }
    if traceparent:
        given.setdefault("traceparent", traceparent)
    return [(name, _sendable(name, value)) for name, value in given.items()]


def _sendable(name: str, value: str) -> str | bytes:
    if name.endswith("-bin"):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            raise StepBlocked(f"the metadata “{name}” cannot be sent: it is bytes, so Base64 is needed") from None
    if not name.isascii() or not value.isascii() or not value.isprintable():
        raise StepBlocked(f"the metadata “{name}” cannot be sent: only printable ASCII can")
    return value


def headers(*parts: Any) -> dict[str, str]:
    """Initial and trailing metadata by name; binary values as Base64."""
    found: dict[str, str] = {}
    for part in parts:
        for name, value in part or ():
            text = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def details(trailing: Any, pool: DescriptorPool) -> list[Any]:
    """The details of the status as JSON, each with its ``@type``; empty where the server sends none."""
    for name, value in trailing or ():
        if name == _DETAILS and isinstance(value, bytes):
            try:
                return [_detail(one, pool) for one in status_pb2.Status.FromString(value).details]
            except DecodeError:
                return []
    return []


def _detail(one: Any, pool: DescriptorPool) -> dict[str, Any]:
    name = one.type_url.rpartition("/")[2]
    descriptor = _STANDARD.get(name.removeprefix("google.rpc.")) if name.startswith("google.rpc.") else None
    try:
        kind = descriptor or pool.FindMessageTypeByName(name)
        message: Message = GetMessageClass(kind)()
        message.ParseFromString(one.value)
        found = read(message, pool)
    except (KeyError, DecodeError, json_format.Error):
        return {"@type": name, "base64": base64.b64encode(one.value).decode()}
    return {"@type": name, **(found if isinstance(found, dict) else {"value": found})}
