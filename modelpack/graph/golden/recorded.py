"""Inputs that a page recorded: one .json file for each sample, tensors in onnxruntime-web's own words.

{"input": {"type": "float32", "dims": [1, 2], "data": [0.5, -1]}, …}
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from modelpack.errors import StepError
from modelpack.graph.golden.files import FolderFile
from modelpack.graph.golden.fitting import check_names
from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts

_DTYPES = frozenset(
    (
        "float32",
        "float64",
        "float16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint64",
        "uint32",
        "uint16",
        "uint8",
        "bool",
    )
)


class _Tensor(msgspec.Struct, frozen=True):
    type: str
    dims: tuple[int, ...]
    data: list[float | int | bool]


def read_recorded(files: Sequence[FolderFile], inputs: Sequence[ValueFacts]) -> tuple[Sample, ...]:
    """One sample for each file.

    Raises: StepError MP-E501 if a file holds no tensors, MP-E502 if their names are not those of the inputs.
    """
    return tuple(_sample(position, file, inputs) for position, file in enumerate(files))


def _sample(position: int, file: FolderFile, inputs: Sequence[ValueFacts]) -> Sample:
    try:
        tensors = msgspec.json.decode(file.path.read_bytes(), type=dict[str, _Tensor])
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise _unreadable(file, f"no tensors ({err})") from err
    feeds = {name: _array(name, tensor, file) for name, tensor in tensors.items()}
    check_names(inputs, feeds, file.name)
    return Sample(position, feeds, file.name)


def _array(name: str, tensor: _Tensor, file: FolderFile) -> Array:
    if tensor.type not in _DTYPES:
        raise _unreadable(file, f"{name} has the type {tensor.type[:40]}")
    if min(tensor.dims, default=0) < 0 or math.prod(tensor.dims) != len(tensor.data):
        raise _unreadable(file, f"{name} has {len(tensor.data)} numbers for {list(tensor.dims)}")
    return np.array(tensor.data, np.dtype(tensor.type)).reshape(tensor.dims)


def _unreadable(file: FolderFile, found: str) -> StepError:
    return StepError(
        "MP-E501",
        found,
        where=file.name,
        remedy='record {"name": {"type", "dims", "data": Array.from(tensor.data)}} for each input',
    )
