"""Weight-only 8 bits: stored as integers, computed in floats. Products, filters, recurrences: everything keeps its operator.

Two forms. `folded` is Cast + Mul, which onnxruntime folds into a float constant when the session is made: fp32 speed and
every opset, at fp32 memory. `dequantized` is DequantizeLinear, which onnxruntime keeps, so the weight stays int8 in
memory (on WebGPU: in video memory) at the cost of one pass over it per run; scales per axis need opset 13.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.int8 import Grid, along
from modelpack.graph.recipes.rewrite import Builder, feed_through
from modelpack.graph.recipes.weights import Weight

Form = Literal["folded", "dequantized"]
DEQUANTIZED_OPSET = 13

SCHEME = "w8_channel"
UNSIGNED_SCHEME = "w8u_channel"

_FLOAT = {"to": int(ir.DataType.FLOAT)}


def store_int8(builder: Builder, weight: Weight, form: Form, grid: Grid) -> Narrowed:
    """Stores the weight as 8-bit integers with one scale per output channel, and gives its readers floats."""
    make = _dequantized if form == "dequantized" else _folded
    feed_through(builder, weight.uses, make(builder, weight, grid))
    scheme = SCHEME if grid.zeros is None else UNSIGNED_SCHEME
    return Narrowed(weight.name, scheme, grid.size_bytes)


def _dequantized(builder: Builder, weight: Weight, grid: Grid) -> list[ir.Node]:
    name = weight.name
    inputs = [
        builder.initializer(f"{name}_q8", grid.integers),
        builder.initializer(f"{name}_scale", grid.steps),
    ]
    if grid.zeros is not None:
        inputs.append(builder.initializer(f"{name}_zero", grid.zeros))
    axis = {"axis": weight.axis}
    return [builder.node("DequantizeLinear", inputs, f"{name}_dequantized", axis)]


def _folded(builder: Builder, weight: Weight, grid: Grid) -> list[ir.Node]:
    name, rank = weight.name, grid.integers.ndim
    stored = builder.initializer(f"{name}_q8", grid.integers)
    scale = builder.initializer(
        f"{name}_scale", along(grid.steps, weight.axis, rank).astype(np.float32)
    )
    nodes = [builder.node("Cast", [stored], f"{name}_cast", _FLOAT)]
    if grid.zeros is not None:
        zeros = along(grid.zeros, weight.axis, rank)
        zero = builder.initializer(f"{name}_zero", zeros.astype(np.float32))
        nodes.append(builder.node("Sub", [nodes[0].outputs[0], zero], f"{name}_from_zero"))
    nodes.append(builder.node("Mul", [nodes[-1].outputs[0], scale], f"{name}_dequantized"))
    return nodes
