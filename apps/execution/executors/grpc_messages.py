"""Protobuf messages as JSON values, and back."""

from typing import Any, cast

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from apps.execution.executors.base import StepBlocked

_LONG = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
}


def build(given: Any, kind: Descriptor, pool: DescriptorPool, place: str = "message") -> Message:
    """The message of type *kind* that the JSON value *given* means; it stands at *place*. Raises ``StepBlocked``."""
    message: Message = message_factory.GetMessageClass(kind)()
    try:
        return json_format.ParseDict(given or {}, message, descriptor_pool=pool)
    except (json_format.ParseError, AttributeError, TypeError) as error:
        raise StepBlocked(f"with.{place} does not fit {kind.full_name}: {error}") from None


def read(message: Message, pool: DescriptorPool) -> Any:
    """*message* as JSON, with the names of the .proto file, fields without value included.

    Unlike protobuf's own JSON, 64-bit integers are numbers, so that checks can compare them.
    """
    value = json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        descriptor_pool=pool,
    )
    return _with_numbers(value, cast(Descriptor, message.DESCRIPTOR))


def _with_numbers(value: Any, kind: Descriptor) -> Any:
    if not isinstance(value, dict) or kind.full_name.startswith("google.protobuf."):
        return value
    for field in kind.fields:
        if field.name in value:
            value[field.name] = _field(value[field.name], field)
    return value


def _field(value: Any, field: FieldDescriptor) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {key: _single(item, inner) for key, item in value.items()}
    if isinstance(value, list):
        return [_single(item, field) for item in value]
    return _single(value, field)


def _single(value: Any, field: FieldDescriptor) -> Any:
    if field.type in _LONG and isinstance(value, str):
        return int(value)
    return _with_numbers(value, field.message_type) if field.message_type is not None else value
