"""Making up for the mean shift that rounding a weight causes: a constant for each of its outputs.

What the inputs' mean times the weight's error gives is known beforehand, and the bias takes it.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from modelpack.graph.entropy.matrices import has_matrices, stack
from modelpack.graph.entropy.moments import Doubles
from modelpack.graph.entropy.rounding import Rounded
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.weights import Floats, Weight, name_of


def mean_shift(weight: Weight, rounded: Rounded, mean: Doubles) -> Floats:
    """What to add to each output: the mean of the inputs times what rounding took from the weight, float32 [outputs]."""
    lost = stack(weight).astype(np.float64) - rounded.floats()
    return np.asarray(np.einsum("gi,gio->go", mean, lost).reshape(-1), np.float32)


def add_correction(builder: Builder, weight: Weight, correction: Floats) -> ir.Value | None:
    """Adds the correction to what the weight's node gives; into a bias that is there, where one is.

    Gives the initialiser that now holds it; None where the weight is no product or filter.
    """
    if not has_matrices(weight):
        return None
    node = weight.uses[0].node
    bias = _bias(node, len(correction))
    if bias is not None:
        reader, index = bias
        old = known(known(reader.inputs[index], "a bias").const_value, "a bias").numpy()
        total = (np.asarray(old, np.float32).reshape(-1) + correction).reshape(old.shape)
        value = builder.initializer(
            f"{name_of(known(reader.inputs[index], 'a bias'))}_corrected", total
        )
        reader.replace_input_with(index, value)
        return value
    if node.op_type in {"Conv", "Gemm"}:
        value = builder.initializer(f"{weight.name}_correction", correction)
        _append_input(node, value)
        return value
    return _added(builder, weight, correction)


def _bias(node: ir.Node, outputs: int) -> tuple[ir.Node, int] | None:
    """The node and input that already add a constant to each output, and are of no use to others."""
    if node.op_type in {"Conv", "Gemm"}:
        return (node, 2) if len(node.inputs) > 2 and _is_own(node.inputs[2], outputs) else None
    result = node.outputs[0]
    readers = list(result.uses())
    if len(readers) != 1 or result.is_graph_output() or readers[0][0].op_type != "Add":
        return None
    reader, index = readers[0]
    other = reader.inputs[1 - index]
    return (reader, 1 - index) if _is_own(other, outputs) else None


def _is_own(value: ir.Value | None, outputs: int) -> bool:
    """Whether the value is a constant with one number for each output, along the last axis."""
    if value is None or value.const_value is None or value.is_graph_input():
        return False
    shape = tuple(value.const_value.shape.numpy())
    return (
        value.const_value.dtype == ir.DataType.FLOAT
        and shape[-1:] == (outputs,)
        and (value.const_value.size == outputs)
    )


def _append_input(node: ir.Node, value: ir.Value) -> None:
    if len(node.inputs) > 2:
        node.replace_input_with(2, value)
    else:
        node.resize_inputs(3)
        node.replace_input_with(2, value)


def _added(builder: Builder, weight: Weight, correction: Floats) -> ir.Value:
    node = weight.uses[0].node
    result = node.outputs[0]
    value = builder.initializer(f"{weight.name}_correction", correction)
    name = known(result.name, "a name")
    added = builder.node("Add", [result, value], f"{node.name or name}_corrected")
    target = added.outputs[0]
    target.shape, target.type = result.shape, result.type
    result.replace_all_uses_with(target, replace_graph_outputs=True)
    added.replace_input_with(0, result)
    if target.is_graph_output():
        result.name, target.name = f"{name}_uncorrected", name
    known(node.graph, "a node's graph").insert_after(node, added)
    return value
