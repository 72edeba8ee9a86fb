"""The recipe q4: products as 4-bit blocks; look-ups too on wasm; every other large weight as q8 does it.

GatherBlockQuantized is missing from onnxruntime-web's builds for WebGPU (asyncify and JSPI), so there rows stay int8.
"""

from __future__ import annotations

from collections.abc import Collection

import onnx_ir as ir

from modelpack.graph.recipes.applied import Applied
from modelpack.graph.recipes.blocks import store_product_blocks, store_row_blocks
from modelpack.graph.recipes.opset import at_least
from modelpack.graph.recipes.q8 import finish, narrow_int8
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.stored import DEQUANTIZED_OPSET
from modelpack.graph.recipes.weights import Weight, find_weights
from modelpack.planned import QuantizeParams


def apply_q4(model: ir.Model, params: QuantizeParams, excluded: Collection[str]) -> Applied:
    """The model with its products as 4-bit blocks; unchanged where it has none, whatever else it has."""
    if params.device == "webgpu":
        model = at_least(model, DEQUANTIZED_OPSET)
    found = find_weights(model, excluded)
    fours = tuple(weight for weight in found.weights if _takes_four_bits(weight, params))
    if not fours:
        return Applied(model, (), found.notes)
    builder = Builder(model)
    narrowed = [
        (store_row_blocks if weight.kind == "rows" else store_product_blocks)(
            builder, weight, params.block_size
        )
        for weight in fours
    ]
    taken = {weight.name for weight in fours}
    rest = [weight for weight in found.weights if weight.name not in taken]
    narrowed.extend(narrow_int8(builder, params.device, rest))
    finish(builder)
    return Applied(model, tuple(narrowed), found.notes)


def _takes_four_bits(weight: Weight, params: QuantizeParams) -> bool:
    if weight.kind == "rows":  # two numbers a byte: GatherBlockQuantized wants rows of even length
        return params.device == "wasm" and weight.shape[1] % 2 == 0
    return weight.kind == "product"
