"""Reading .safetensors files from outside: a header of JSON, then the bytes of the tensors.

The format: https://huggingface.co/docs/safetensors (read 2026-11). Eight bytes give the header's size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from modelpack.errors import StepError
from modelpack.graph.golden.arrays import LIMIT_BYTES
from modelpack.graph.sessions import Array

_SIZE_BYTES = 8
_HEADER_LIMIT_BYTES = 100_000_000  # as the reference implementation
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "?",
}
_METADATA = "__metadata__"
_Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class _Tensor(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[_Size, ...]
    data_offsets: tuple[_Size, _Size]


class TensorFile:
    """An open .safetensors file, held in memory."""

    def __init__(self, tensors: dict[str, _Tensor], content: memoryview, where: str) -> None:
        self._tensors = tensors
        self._content = content
        self._where = where

    @staticmethod
    @contextmanager
    def open(path: Path) -> Iterator[TensorFile]:
        """The file at `path`. Raises: StepError MP-E501 if it is no .safetensors file, or larger than LIMIT_BYTES."""
        if path.stat().st_size > LIMIT_BYTES:
            raise _unreadable(path.name, "more than 1 GiB", "keep fewer samples")
        content = memoryview(path.read_bytes())
        size_bytes = int.from_bytes(content[:_SIZE_BYTES], "little")
        if size_bytes > min(_HEADER_LIMIT_BYTES, len(content) - _SIZE_BYTES):
            raise _unreadable(
                path.name, f"not a .safetensors file (a header of {size_bytes} bytes)"
            )
        end = _SIZE_BYTES + size_bytes
        try:
            header = msgspec.json.decode(content[_SIZE_BYTES:end], type=dict[str, msgspec.Raw])
            tensors = {
                name: msgspec.json.decode(raw, type=_Tensor)
                for name, raw in header.items()
                if name != _METADATA
            }
        except (ValueError, msgspec.DecodeError) as err:
            raise _unreadable(path.name, f"not a .safetensors file ({err})") from err
        yield TensorFile(tensors, content[end:], path.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its arrays, in the order of the header."""
        return tuple(self._tensors)

    def read(self, name: str) -> Array:
        """The array of that name. Raises: StepError MP-E501 if its bytes are not there."""
        tensor = self._tensors[name]
        begin, end = tensor.data_offsets
        if tensor.dtype not in _DTYPES:
            raise _unreadable(self._where, f'array "{name}" has the type {tensor.dtype}')
        dtype = np.dtype(_DTYPES[tensor.dtype])
        if math.prod(tensor.shape) * dtype.itemsize != end - begin or end > len(self._content):
            raise _unreadable(self._where, f'array "{name}" does not fit its bytes')
        array = np.frombuffer(self._content[begin:end], dtype).reshape(tensor.shape)
        return np.asarray(array, dtype.newbyteorder("="))


def _unreadable(where: str, found: str, remedy: str = "") -> StepError:
    return StepError(
        "MP-E501",
        found,
        where=where,
        remedy=remedy or "write plain numbers with safetensors.numpy.save_file",
    )
