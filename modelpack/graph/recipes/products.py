"""Integer products: 8-bit weights per output channel times activations rounded at run time.

The form onnxruntime fuses into one kernel: DynamicQuantizeLinear, MatMulInteger, Cast, Mul. The fastest form there is
in WebAssembly (0.55 of the time of fp32 for a small transformer); on WebGPU every one of these operators would run on
the processor instead.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.int8 import Grid
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.rewrite import Builder, replace_node
from modelpack.graph.recipes.weights import Use, Weight, name_of

SCHEME = "w8_channel_a8_dyn"
UNSIGNED_SCHEME = "w8u_channel_a8_dyn"
DYNAMIC_OPSET = 11


class IntegerProducts:
    """Rewrites products of one model; products that read the same activations share one rounding of them."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._rounded: dict[tuple[int, int], ir.Node] = {}

    def rewrite(self, weight: Weight, grid: Grid) -> Narrowed:
        """Replaces every product with the weight (all of kind `product`, with one axis) by its integer form."""
        integers = grid.integers
        if weight.axis == 0:  # Gemm with transB; MatMulInteger knows no transposition
            integers = np.ascontiguousarray(integers.T)
        stored = [self._builder.initializer(f"{weight.name}_q8", integers)]
        if grid.zeros is not None:
            stored.append(self._builder.initializer(f"{weight.name}_zero", grid.zeros))
        scale = self._builder.initializer(f"{weight.name}_scale", grid.steps)
        for use in weight.uses:
            self._product(use, stored, scale)
        scheme = SCHEME if grid.zeros is None else UNSIGNED_SCHEME
        return Narrowed(weight.name, scheme, grid.size_bytes)

    def _product(self, use: Use, stored: list[ir.Value], scale: ir.Value) -> None:
        """`stored`: the integers, and where they have zero points, those."""
        node = use.node
        name = node.name or name_of(node.outputs[0])
        before, (activations, step, zero) = self._activations(node)
        product = self._builder.node(
            "MatMulInteger", [activations, stored[0], zero, *stored[1:]], f"{name}_q8"
        )
        floats = self._builder.node(
            "Cast", product.outputs, f"{name}_cast", {"to": int(ir.DataType.FLOAT)}
        )
        steps = self._builder.node("Mul", [step, scale], f"{name}_steps")
        scaled = self._builder.node("Mul", [floats.outputs[0], steps.outputs[0]], f"{name}_scaled")
        after = [*before, product, floats, steps, scaled]
        if len(node.inputs) > 2 and node.inputs[2] is not None:
            after.append(
                self._builder.node("Add", [scaled.outputs[0], node.inputs[2]], f"{name}_biased")
            )
        replace_node(node, after)

    def _activations(self, node: ir.Node) -> tuple[list[ir.Node], tuple[ir.Value, ...]]:
        """The nodes to add, and what they give: activations uint8, their step, their zero point."""
        value = known(node.inputs[0], "an input of a product")
        key = (id(value), id(node.graph))
        if key in self._rounded:
            return [], tuple(self._rounded[key].outputs)
        rounded = self._builder.node(
            "DynamicQuantizeLinear", [value], f"{value.name}_rounded", outputs=3
        )
        self._rounded[key] = rounded
        return [rounded], tuple(rounded.outputs)
