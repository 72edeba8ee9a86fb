"""Inputs and outputs of a graph, in the words of onnxruntime-web."""

from __future__ import annotations

import onnx_ir as ir

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


def dtype_word(dtype: ir.DataType | None) -> str:
    """The type as onnxruntime-web writes it: `float32`, `int64`, `string`."""
    if dtype is None or dtype == ir.DataType.UNDEFINED:
        return "unknown"
    return "string" if dtype == ir.DataType.STRING else dtype.numpy().name
