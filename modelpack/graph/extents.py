"""Where a tensor in a data file says it lies, as numbers that were checked. No file is looked at here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from onnx import TensorProto

from modelpack.errors import SourceError
from modelpack.record import TensorFacts

_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")
_KEYS = ("location", "offset", "length", "checksum")


def read_extent(name: str, tensor: TensorProto, size_bytes: int) -> tuple[str, int, str | None]:
    """Location, offset and checksum of an external tensor whose length is its dimensions' size.

    Raises: SourceError MP-E312 naming the tensor and the rule.
    """
    keys = [entry.key for entry in tensor.external_data]
    for key in keys:
        if key not in _KEYS:
            raise _misplaced(
                name, f'has the external data key "{key}"; expected {", ".join(_KEYS)}'
            )
        if keys.count(key) > 1:
            raise _misplaced(name, f'has the external data key "{key}" twice')
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if "location" not in entries:
        raise _misplaced(name, "lies in a data file without a location")
    offset = _number(name, "offset", entries.get("offset", "0"))
    length = _number(name, "length", entries.get("length", str(size_bytes)))
    if length != size_bytes:
        raise _misplaced(
            name, f"has length {length}; expected {size_bytes} for dimensions {list(tensor.dims)}"
        )
    return entries["location"], offset, entries.get("checksum")


def check_overlaps(tensors: Iterable[TensorFacts]) -> None:
    """Nothing, where no two tensors share bytes of a data file without being the same bytes throughout.

    Raises: SourceError MP-E312 naming both tensors.
    """
    outside = [tensor for tensor in tensors if tensor.location is not None and tensor.size_bytes]
    outside.sort(key=_place)
    for before, tensor in pairwise(outside):
        end = before.offset_bytes + before.size_bytes
        overlaps = tensor.location == before.location and tensor.offset_bytes < end
        if overlaps and _place(tensor) != _place(before):
            raise _misplaced(tensor.name, f'overlaps tensor "{before.name}" in its data file')


def _place(tensor: TensorFacts) -> tuple[str, int, int]:
    return tensor.location or "", tensor.offset_bytes, tensor.size_bytes


def _number(name: str, key: str, text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise _misplaced(name, f'has the {key} "{text[:40]}"; expected a whole number')
    return int(text)


def _misplaced(name: str, reason: str) -> SourceError:
    return SourceError(
        "MP-E312",
        f'tensor "{name}" {reason}',
        remedy="export the model again, with its data file beside it",
    )
