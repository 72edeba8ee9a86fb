"""Whether all text of a parsed model is text. protobuf hands out `bytes` where a string is not UTF-8, and fails nowhere."""

from __future__ import annotations

from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message


def is_text(message: Message) -> bool:
    """Whether every string of the message and of all messages in it is UTF-8. Bytes of weights are not touched."""
    strings, messages = _fields(message.DESCRIPTOR)
    for name, is_repeated in strings:
        found = getattr(message, name)
        for entry in found if is_repeated else (found,):
            if not isinstance(entry, str):
                return False
    for name, is_repeated in messages:
        if is_repeated:
            if not all(map(is_text, getattr(message, name))):
                return False
        elif message.HasField(name) and not is_text(getattr(message, name)):
            return False
    return True


@cache
def _fields(kind: Descriptor) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Name of each string field, then of each message field, and whether it is repeated."""
    strings = [_named(field) for field in kind.fields if field.type == FieldDescriptor.TYPE_STRING]
    messages = [
        _named(field) for field in kind.fields if field.type == FieldDescriptor.TYPE_MESSAGE
    ]
    return strings, messages


def _named(field: FieldDescriptor) -> tuple[str, bool]:
    # ONNX is proto2, where all but repeated fields have presence; `is_repeated` is missing before protobuf 6.
    return field.name, not field.has_presence
