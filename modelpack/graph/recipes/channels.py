"""Filters that WebGPU computes wrongly, given numbers of channels that it computes rightly.

onnxruntime-web reads channels in threes where their number divides by 3 and not by 4, and multiplies some of them with the
wrong weights: without an error, by as much as the result itself. Measured in 1.30 against the processor, over 120 shapes:
wrong with one group, more than 3 channels, outputs that divide by 4, one or two axes, and anything but a plain product;
right in all others. Reported as onnxruntime issue 29651 (July 2026, open). Channels of zeros change no result.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.opset import opset_of
from modelpack.graph.recipes.rewrite import Builder, insert_before
from modelpack.graph.recipes.weights import name_of

_VECTOR = 4  # channels that are read at once, in the way that is right
_PADS_AS_INPUT = 11  # before, the opset has them as an attribute
_FILTER_RANKS = (3, 4)
_SAME_SHAPE = frozenset({"DequantizeLinear", "Cast", "Sub", "Mul"})  # as their first input


def pad_channels(model: ir.Model) -> tuple[str, ...]:
    """Pads the channels that such filters read, and the filters' own, with zeros; the names of the nodes, subgraphs' too.

    No weight grows: the zeros are made when the session is created, or at each run.
    """
    builder = Builder(model)
    found = [(node, shape) for node, shape in _filters(model) if _is_wrong(node, shape)]
    for node, shape in found:
        pads = (0,) * (len(shape) + 1) + (-shape[1] % _VECTOR,) + (0,) * (len(shape) - 2)
        for index in (0, 1):
            value = known(node.inputs[index], "an input of a filter")
            padded = _padded(builder, value, pads)
            insert_before(node, [padded])
            node.replace_input_with(index, padded.outputs[0])
    return tuple(name_of(node.outputs[0]) if not node.name else node.name for node, _ in found)


def _filters(model: ir.Model) -> Iterator[tuple[ir.Node, tuple[int, ...]]]:
    """Each convolution with the shape of its filter, [outputs, channels, …], where the graph states it."""
    for node in model.graph.all_nodes():
        if node.op_type == "Conv" and node.domain in ("", "ai.onnx"):
            shape = _shape(node.inputs[1])
            if shape is not None and len(shape) in _FILTER_RANKS:
                yield node, shape


def _is_wrong(node: ir.Node, shape: tuple[int, ...]) -> bool:
    outputs, channels, *kernel = shape
    in_threes = channels > 3 and channels % 3 == 0 and channels % _VECTOR != 0
    return (
        in_threes
        and outputs % _VECTOR == 0
        and _integers(node, "group", (1,)) == (1,)
        and not _is_product(node, kernel)
    )


def _is_product(node: ir.Node, kernel: list[int]) -> bool:
    """Whether each output is one product over the channels of one place, for which there is another kernel."""
    steps = _integers(node, "strides", (1,))
    return {*kernel, *steps} == {1} and not any(_integers(node, "pads", (0,)))


def _shape(value: ir.Value | None) -> tuple[int, ...] | None:
    """The fixed shape; that of what it is made from, where a recipe made floats of stored integers."""
    while value is not None:
        if value.shape is not None:
            return value.shape.numpy() if value.shape.is_static() else None
        made = value.producer()
        value = made.inputs[0] if made is not None and made.op_type in _SAME_SHAPE else None
    return None


def _padded(builder: Builder, value: ir.Value, pads: tuple[int, ...]) -> ir.Node:
    name = f"{value.name}_padded"
    if opset_of(builder.model) < _PADS_AS_INPUT:
        return builder.node("Pad", [value], name, {"pads": pads})
    stored = builder.initializer(f"{name}_by", np.array(pads, np.int64))
    return builder.node("Pad", [value, stored], name)


def _integers(node: ir.Node, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    attribute = node.attributes.get(name)
    if attribute is None:
        return default
    return (attribute.as_int(),) if name == "group" else tuple(attribute.as_ints())
