"""The outermost fields of a protobuf message in a file, found by seeking; the contents are never read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_FIXED_BYTES = {1: 8, 5: 4}
_VARINT, _LENGTH = 0, 2
_MAX_VARINT_BYTES = 10


class MalformedFieldError(Exception):
    """The bytes at some place are no field, or the field is not whole. The message ends a sentence."""


def walk_fields(stream: BinaryIO, size_bytes: int) -> Iterator[tuple[int, int]]:
    """Number and wire type of each field of the message that fills the file, in order.

    Raises: MalformedFieldError when a field is not whole.
    """
    position = 0
    while position < size_bytes:
        stream.seek(position)
        tag = _read_varint(stream)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise MalformedFieldError(f"byte {position} begins no field")
        end = _end_of_field(stream, wire_type, position)
        if end > size_bytes:
            raise MalformedFieldError(f"{end - size_bytes} bytes are missing at its end")
        yield number, wire_type
        position = end


def _end_of_field(stream: BinaryIO, wire_type: int, position: int) -> int:
    """The position after the field whose tag was just read."""
    if wire_type == _VARINT:
        _read_varint(stream)
        return stream.tell()
    if wire_type == _LENGTH:
        length_bytes = _read_varint(stream)
        return stream.tell() + length_bytes
    if wire_type in _FIXED_BYTES:
        return stream.tell() + _FIXED_BYTES[wire_type]
    raise MalformedFieldError(f"byte {position} begins no field")


def _read_varint(stream: BinaryIO) -> int:
    value = 0
    for index in range(_MAX_VARINT_BYTES):
        byte = stream.read(1)
        if not byte:
            raise MalformedFieldError("it ends inside a number")
        value |= (byte[0] & 0x7F) << (7 * index)
        if byte[0] < 0x80:
            return value
    raise MalformedFieldError(f"byte {stream.tell()} ends no number")
