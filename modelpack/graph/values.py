"""Inputs and outputs of a graph, in the words of onnxruntime-web, whichever library holds the graph."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
import onnx_ir as ir

from modelpack.errors import SourceError
from modelpack.record import ValueFacts


def input_facts(graph: ir.Graph) -> tuple[ValueFacts, ...]:
    """The inputs a caller must feed: graphs before IR version 4 list their initialisers as inputs too."""
    return tuple(
        value_facts(value) for value in graph.inputs if value.name not in graph.initializers
    )


def output_facts(graph: ir.Graph) -> tuple[ValueFacts, ...]:
    """The outputs of the graph."""
    return tuple(value_facts(value) for value in graph.outputs)


def value_facts(value: ir.Value) -> ValueFacts:
    """Name, type and shape of one value; a shape that the graph does not state counts as a scalar's."""
    dimensions = value.shape.dims if value.shape is not None else ()
    return ValueFacts(
        value.name or "",
        dtype_word(value.dtype),
        tuple(size if isinstance(size, int) else size.value for size in dimensions),
    )


def proto_facts(values: Iterable[onnx.ValueInfoProto]) -> tuple[ValueFacts, ...]:
    """The facts of values as they were parsed.

    Raises: SourceError MP-E320 if one is no tensor, or of no known type.
    """
    return tuple(_proto_facts(value) for value in values)


def dtype_word(dtype: ir.DataType | None) -> str:
    """The type as onnxruntime-web writes it: `float32`, `int64`, `string`."""
    if dtype is None or dtype == ir.DataType.UNDEFINED:
        return "unknown"
    return "string" if dtype == ir.DataType.STRING else dtype.numpy().name


def _proto_facts(value: onnx.ValueInfoProto) -> ValueFacts:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        found = f"is a {kind.removesuffix('_type')}" if kind else "has no type"
        raise _malformed(value.name, f"{found}; expected a tensor")
    tensor = value.type.tensor_type
    try:
        dtype = ir.DataType(tensor.elem_type)
    except ValueError:
        dtype = ir.DataType.UNDEFINED
    if dtype == ir.DataType.UNDEFINED:
        raise _malformed(value.name, f"has the unknown element type {tensor.elem_type}")
    return ValueFacts(value.name, dtype_word(dtype), _proto_shape(value.name, tensor.shape))


def _proto_shape(name: str, shape: onnx.TensorShapeProto) -> tuple[int | str | None, ...]:
    sizes: list[int | str | None] = []
    for dimension in shape.dim:
        if dimension.HasField("dim_value"):
            if dimension.dim_value < 0:
                raise _malformed(name, f"has the negative dimension {dimension.dim_value}")
            sizes.append(dimension.dim_value)
        else:
            sizes.append(dimension.dim_param or None)
    return tuple(sizes)


def _malformed(name: str, reason: str) -> SourceError:
    return SourceError("MP-E320", f'"{name}" {reason}', remedy="export the model again")
