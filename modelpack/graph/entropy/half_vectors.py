"""Biases, gains and the like as float16, cast to float32 where they are read.

Beside weights of two or three bits they count: 0.06 of MiniLM's 8.2 MB, 4 of ultraface's 85 kB. onnxruntime folds the Cast when the session is
made. Errors of 2⁻¹¹ of such a number are far below those of the weights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.halves import fits
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.rewrite import Builder, feed_through
from modelpack.graph.recipes.weights import Use, name_of

FEWEST_HALVED = 32  # 64 bytes saved; a Cast with its names takes 30 to 60 of a compressed graph
# Where a small relative error of the largest number does no harm; variances and scales of grids are something else.
_READERS = frozenset(
    {
        ("Add", 0),
        ("Add", 1),
        ("Conv", 2),
        ("Gemm", 2),
        ("LayerNormalization", 1),
        ("LayerNormalization", 2),
    }
)


def halve_vectors(builder: Builder, excluded: Collection[str]) -> None:
    """Stores the vectors of the model's float32 constants as float16, except what `excluded` nodes read."""
    for value in list(_vectors(builder.model)):
        readers = {node.name or "" for node, _ in value.uses()}
        array = np.asarray(known(value.const_value, "a vector").numpy(), np.float32)
        if readers & set(excluded) or not fits(array):
            continue
        name = name_of(value)
        stored = builder.initializer(f"{name}_fp16", array.astype(np.float16))
        cast = builder.node("Cast", [stored], f"{name}_cast", {"to": int(ir.DataType.FLOAT)})
        uses = [Use(node, index, "whole", 0) for node, index in value.uses()]
        feed_through(builder, uses, [cast])


def _vectors(model: ir.Model) -> Iterator[ir.Value]:
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if tensor is None or tensor.dtype != ir.DataType.FLOAT or value.is_graph_output():
            continue
        if value.is_graph_input() or not value.uses():
            continue
        is_vector = (
            tensor.size >= FEWEST_HALVED and max(tensor.shape.numpy(), default=0) == tensor.size
        )
        if is_vector and all(_may_be_half(node, index) for node, index in value.uses()):
            yield value


def _may_be_half(node: ir.Node, index: int) -> bool:
    return node.domain in {"", "ai.onnx"} and (node.op_type, index) in _READERS
