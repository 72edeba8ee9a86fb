"""Divided inputs in the graph: one product of vectors before all products that read the same activations."""

from __future__ import annotations

import onnx_ir as ir

from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.rewrite import Builder, insert_before
from modelpack.graph.recipes.weights import Floats, Use, name_of


class DividedInputs:
    """Divides what products of one model read; products that read the same activations share one division."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._divided: dict[tuple[int, int], ir.Value] = {}

    def divide(self, use: Use, divisors: Floats) -> None:
        """Gives the product its input over the divisors, float32 [inputs]."""
        value = known(use.node.inputs[0], "an input of a product")
        key = (id(value), id(use.node.graph))
        if key not in self._divided:
            factors = self._builder.initializer(f"{name_of(value)}_even", 1 / divisors)
            node = self._builder.node("Mul", [value, factors], f"{name_of(value)}_evened")
            node.outputs[0].shape, node.outputs[0].type = value.shape, value.type
            insert_before(use.node, [node])
            self._divided[key] = node.outputs[0]
        use.node.replace_input_with(0, self._divided[key])
