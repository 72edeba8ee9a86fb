"""Whether a tensor of a parsed model is what it says it is: type, dimensions, and exactly the bytes these need."""

from __future__ import annotations

import math

import numpy as np
import onnx
import onnx_ir as ir
from msgspec import Struct
from numpy.typing import NDArray
from onnx import TensorProto

from modelpack.errors import SourceError
from modelpack.graph.extents import read_extent
from modelpack.graph.values import dtype_word
from modelpack.graph.walk import NamedTensor
from modelpack.record import TensorFacts

_MAX_TENSOR_BYTES = (
    1 << 40
)  # nothing a browser could load; products beyond this are attacks on arithmetic
_NAN_BLOCK = 1 << 20  # elements looked at together
_EXPORT_AGAIN = "export the model again"
_TYPED_FIELDS = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")
_FLOATS = frozenset(
    TensorProto.DataType.Value(name)
    for name in (
        *("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"),
        *("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ"),
    )
)


class _Form(Struct, frozen=True):
    """Where a type keeps typed values: the field, and entries for each element (halves for packed types)."""

    field: str
    entries_per_element: float = 1


def _forms() -> dict[int, _Form]:
    small = ("UINT8", "INT8", "UINT16", "INT16", "INT32", "BOOL", "FLOAT16", "BFLOAT16")
    float8 = ("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0")
    number = TensorProto.DataType.Value
    return {
        **{number(name): _Form("int32_data") for name in (*small, *float8)},
        **{number(name): _Form("int32_data", 0.5) for name in ("UINT4", "INT4", "FLOAT4E2M1")},
        **{number(name): _Form("int32_data", 0.25) for name in ("UINT2", "INT2")},
        TensorProto.FLOAT: _Form("float_data"),
        TensorProto.COMPLEX64: _Form("float_data", 2),
        TensorProto.DOUBLE: _Form("double_data"),
        TensorProto.COMPLEX128: _Form("double_data", 2),
        TensorProto.INT64: _Form("int64_data"),
        TensorProto.UINT32: _Form("uint64_data"),
        TensorProto.UINT64: _Form("uint64_data"),
    }


_FORMS = _forms()


def check_tensor(named: NamedTensor, consumers: tuple[str, ...]) -> TensorFacts:
    """The facts of the tensor, whose place and size are consistent.

    Raises: SourceError MP-E320 if the tensor contradicts itself, MP-E312 if its place in a data file does.
    """
    tensor = named.tensor
    dtype = _dtype(named)
    shape = _shape(named)
    size_bytes = _size_bytes(named, dtype, shape)
    if tensor.HasField("segment"):
        raise malformed(named.name, "is stored in segments, which nothing reads")
    if tensor.data_location == TensorProto.EXTERNAL:
        if _stored_fields(tensor):
            raise malformed(
                named.name, f"is in a data file and in {_stored_fields(tensor)[0]}, too"
            )
        extent = read_extent(named.name, tensor, size_bytes)
        return TensorFacts(named.name, dtype_word(dtype), shape, size_bytes, consumers, *extent)
    _check_stored(named, math.prod(shape), size_bytes)
    return TensorFacts(named.name, dtype_word(dtype), shape, size_bytes, consumers)


def count_not_finite(tensor: TensorProto) -> tuple[int, int]:
    """How many values of a tensor in the graph are NaN, and how many infinite."""
    if tensor.data_location == TensorProto.EXTERNAL or tensor.data_type not in _FLOATS:
        return 0, 0
    array = _values(tensor)
    nans = infinities = 0
    for start in range(0, array.size, _NAN_BLOCK):
        block = array[start : start + _NAN_BLOCK].astype(np.float64, copy=False)
        nans += int(np.isnan(block).sum())
        infinities += int(np.isinf(block).sum())
    return nans, infinities


def malformed(name: str, reason: str) -> SourceError:
    """An error about one tensor."""
    return SourceError("MP-E320", f'tensor "{name}" {reason}', remedy=_EXPORT_AGAIN)


def _values(tensor: TensorProto) -> NDArray[np.generic]:
    """The values in one row, without a copy where they are raw; `onnx.numpy_helper` would make one."""
    if tensor.raw_data:
        return np.frombuffer(tensor.raw_data, ir.DataType(tensor.data_type).numpy())
    return onnx.numpy_helper.to_array(tensor).reshape(-1)


def _dtype(named: NamedTensor) -> ir.DataType:
    number = named.tensor.data_type
    if number == TensorProto.STRING and named.is_weight:
        raise malformed(named.name, "holds strings; expected numbers")
    if number != TensorProto.STRING and number not in _FORMS:
        known = number in TensorProto.DataType.values()
        shown = TensorProto.DataType.Name(number) if known else str(number)
        raise malformed(named.name, f"has the type {shown}, which is not supported")
    return ir.DataType(number)


def _shape(named: NamedTensor) -> tuple[int, ...]:
    shape = tuple(named.tensor.dims)
    if any(size < 0 for size in shape):
        raise malformed(named.name, f"has a negative dimension in {list(shape)}")
    return shape


def _size_bytes(named: NamedTensor, dtype: ir.DataType, shape: tuple[int, ...]) -> int:
    if dtype == ir.DataType.STRING:
        return sum(map(len, named.tensor.string_data))
    size_bytes = math.ceil(math.prod(shape) * dtype.bitwidth / 8)
    if size_bytes > _MAX_TENSOR_BYTES:
        raise malformed(named.name, f"would have {size_bytes} bytes with dimensions {list(shape)}")
    return size_bytes


def _stored_fields(tensor: TensorProto) -> list[str]:
    fields = [field for field in (*_TYPED_FIELDS, "string_data") if len(getattr(tensor, field))]
    return (["raw_data"] if tensor.raw_data else []) + fields


def _check_stored(named: NamedTensor, elements: int, size_bytes: int) -> None:
    """The bytes of a tensor that lies in the graph: in one field, of its type, as many as its dimensions need."""
    tensor = named.tensor
    if tensor.data_type == TensorProto.STRING:
        return
    fields = _stored_fields(tensor)
    if len(fields) > 1:
        raise malformed(named.name, f"has values in both {fields[0]} and {fields[1]}")
    if not fields and elements:
        raise malformed(named.name, f"has no values; expected {size_bytes} bytes")
    if fields == ["raw_data"]:
        if len(tensor.raw_data) != size_bytes:
            found = len(tensor.raw_data)
            raise malformed(
                named.name,
                f"has {found} bytes; expected {size_bytes} for dimensions {list(tensor.dims)}",
            )
    elif fields:
        _check_typed(named, fields[0], elements)


def _check_typed(named: NamedTensor, field: str, elements: int) -> None:
    form = _FORMS[named.tensor.data_type]
    if field != form.field:
        raise malformed(named.name, f"has values in {field}; expected {form.field}")
    expected = math.ceil(elements * form.entries_per_element)
    found = len(getattr(named.tensor, field))
    if found != expected:
        raise malformed(
            named.name,
            f"has {found} values; expected {expected} for dimensions {list(named.tensor.dims)}",
        )
