"""Weight-only int8: stored as integers, computed in floats. Products, filters, recurrences: everything keeps its operator.

Two forms. `folded` is Cast + Mul, which onnxruntime folds into a float constant when the session is made: fp32 speed and
every opset, at fp32 memory. `dequantized` is DequantizeLinear, which onnxruntime keeps, so the weight stays int8 in
memory (on WebGPU: in video memory) at the cost of one pass over it per run; scales per axis need opset 13.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.int8 import Grid, along, round_channels
from modelpack.graph.recipes.rewrite import Builder, feed_through
from modelpack.graph.recipes.weights import Weight

Form = Literal["folded", "dequantized"]
DEQUANTIZED_OPSET = 13

SCHEME = "w8_channel"


def store_int8(builder: Builder, weight: Weight, form: Form, grid: Grid | None = None) -> Narrowed:
    """Stores the weight as int8 with one scale per output channel, and gives its readers the floats it stands for."""
    integers, steps = grid or round_channels(weight.array(), weight.axis)
    name = weight.name
    stored = builder.initializer(f"{name}_q8", integers)
    if form == "dequantized":
        scale = builder.initializer(f"{name}_scale", steps)
        nodes = [
            builder.node(
                "DequantizeLinear", [stored, scale], f"{name}_dequantized", {"axis": weight.axis}
            )
        ]
    else:
        scale = builder.initializer(
            f"{name}_scale", along(steps, weight.axis, integers.ndim).astype(np.float32)
        )
        cast = builder.node("Cast", [stored], f"{name}_cast", {"to": int(ir.DataType.FLOAT)})
        nodes = [
            cast,
            builder.node("Mul", [cast.outputs[0], scale], f"{name}_dequantized"),
        ]
    feed_through(builder, weight.uses, nodes)
    return Narrowed(name, SCHEME, integers.nbytes + steps.nbytes)
