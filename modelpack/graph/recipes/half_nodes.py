"""Single nodes computed in half precision, wherever they stand: in the main graph, in branches, in loops.

1. Every float32 value keeps a float32 form under its name, so whatever is not converted still reads what it read:
   operators left in float32, and all that subgraphs take from outside or hand back.
2. A node that is converted reads float16 forms and gives one, which is cast back. Where the next one reads it in
   float16 again, it gets that directly; casts that nobody reads are removed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx_ir as ir
import onnx_ir.passes.common

from modelpack.graph.recipes.element_types import ElementTypes, TypedNode
from modelpack.graph.recipes.halves import fits
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.rewrite import Builder, insert_before
from modelpack.graph.recipes.weights import MIN_ELEMENTS, name_of

_HALF, _FLOAT = int(ir.DataType.FLOAT16), int(ir.DataType.FLOAT)
_SMALLEST = float(np.finfo(np.float16).smallest_subnormal)


def compute_in_halves(model: ir.Model, types: ElementTypes, nodes: Iterable[ir.Node]) -> None:
    """Rewrites these nodes, of an order in which they run; each has a signature among the `types`."""
    halves = _Halves(Builder(model))
    for node in nodes:
        halves.rewrite(node, known(types.node(node), "a node's signature"))
    ir.passes.common.RemoveUnusedNodesPass()(model)
    halves.builder.drop_unused()


def constant_of(value: ir.Value) -> ir.TensorProtocol | None:
    """The numbers of an initialiser, or of what a Constant node gives; None where there are none."""
    producer = value.producer()
    if producer is None:
        return value.const_value if value.is_initializer() and not value.is_graph_input() else None
    stated = producer.attributes.get("value") if producer.op_type == "Constant" else None
    return stated.as_tensor() if stated is not None else None


def holds(tensor: ir.TensorProtocol) -> bool:
    """Whether float16 can hold the tensor: no number too large, and a lone one not so small that it becomes zero."""
    array = np.asarray(tensor.numpy(), np.float32)
    vanishes = array.size == 1 and 0 < float(np.abs(array).max()) < _SMALLEST
    return fits(array) and not vanishes


class _Halves:
    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._made: dict[int, ir.Value] = {}

    def rewrite(self, node: ir.Node, typed: TypedNode) -> None:
        for index, (value, formal) in enumerate(zip(node.inputs, typed.inputs, strict=True)):
            if value is not None and typed.is_float(formal):
                node.replace_input_with(index, self._half(value))
        for value, formal in zip(node.outputs, typed.outputs, strict=True):
            if value.name and typed.is_float(formal):
                self._widen(value)

    def _half(self, value: ir.Value) -> ir.Value:
        if id(value) not in self._made:
            self._made[id(value)] = _narrow_source(value) or self._new_half(value)
        return self._made[id(value)]

    def _new_half(self, value: ir.Value) -> ir.Value:
        constant = constant_of(value)
        # A large one that is not stored in float16 by now has readers that need it exactly: no second copy of it.
        if constant is not None and constant.size < MIN_ELEMENTS:
            array = np.asarray(constant.numpy(), np.float16)
            return self.builder.initializer(f"{name_of(value)}_fp16", array)
        cast = self.builder.node("Cast", [value], f"{name_of(value)}_fp16", {"to": _HALF})
        _put_after(value, cast)
        made = cast.outputs[0]
        made.type, made.shape = ir.TensorType(ir.DataType.FLOAT16), value.shape
        return made

    def _widen(self, value: ir.Value) -> None:
        """Makes the value, which a node now gives in float16, a float32 one for whoever reads it."""
        name = name_of(value)
        cast = self.builder.node("Cast", [value], f"{name}_fp32", {"to": _FLOAT})
        wide = cast.outputs[0]
        wide.type, wide.shape = ir.TensorType(ir.DataType.FLOAT), value.shape
        value.replace_all_uses_with(wide, replace_graph_outputs=True)
        cast.replace_input_with(0, value)
        value.name, wide.name = self.builder.free(f"{name}_fp16"), name
        value.type = ir.TensorType(ir.DataType.FLOAT16)
        _put_after(value, cast)
        self._made[id(wide)] = value


def _narrow_source(value: ir.Value) -> ir.Value | None:
    """What a value was before it was cast from float16: a weight that is stored so."""
    producer = value.producer()
    if producer is None or producer.op_type != "Cast":
        return None
    source = producer.inputs[0]
    return source if source is not None and source.dtype == ir.DataType.FLOAT16 else None


def _put_after(value: ir.Value, node: ir.Node) -> None:
    """Puts the node right behind what gives the value: behind a node, or first in the graph whose input it is."""
    producer = value.producer()
    graph = known(producer.graph if producer else value.graph, "a value's graph")
    if producer is not None:
        graph.insert_after(producer, [node])
    else:
        insert_before(graph[0], [node])
