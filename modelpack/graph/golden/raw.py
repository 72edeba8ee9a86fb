"""The bytes of a file as an input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from modelpack.errors import StepError
from modelpack.graph.golden.fitting import describe
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts
from modelpack.spec.golden import RawLayout


def read_raw(path: Path, value: ValueFacts, layout: RawLayout) -> Array:
    """The input's array, axes without a size as ones.

    1. With `first` or `last`: one element a byte, the first bytes and then the last, each filled up with `padding` on the
       side away from the file's end; [..., first + last].
    2. Else the file holds the array's own elements, little-endian.

    Raises: StepError MP-E502 if the bytes do not fill the input.
    """
    content = path.read_bytes()
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    if layout.first or layout.last:
        elements = _ends(content, layout).astype(value.dtype)
        shape[-1:] = [len(elements)]
    else:
        dtype = np.dtype(value.dtype).newbyteorder("<")
        if len(content) != math.prod(shape) * dtype.itemsize:
            raise StepError(
                "MP-E502",
                f"{len(content)} bytes do not fill {describe(value)}",
                where=path.name,
                remedy="write one element after the other, or set golden.preprocess.first and last",
            )
        elements = np.frombuffer(content, dtype).astype(value.dtype)
    return elements.reshape(shape)


def _ends(content: bytes, layout: RawLayout) -> Array:
    beginning, end = content[: layout.block], content[-layout.block :]
    if layout.strip:
        beginning, end = beginning.lstrip(), end.rstrip()
    first = _filled(beginning[: layout.first], layout.first, layout.padding)
    last = _filled(end[::-1][: layout.last], layout.last, layout.padding)
    return np.concatenate([first, last[::-1]])


def _filled(content: bytes, count: int, padding: int) -> Array:
    elements = np.full(count, padding, np.int64)
    elements[: len(content)] = np.frombuffer(content, np.uint8)
    return elements
