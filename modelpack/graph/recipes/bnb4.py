"""Weights as 4-bit floats (NF4) in blocks that share a scale: onnxruntime's MatMulBnb4.

onnxruntime-web has it on wasm, and on webgpu since 1.29.
NF4 is the sixteen quantiles of a normal distribution, as bitsandbytes stores weights. Blocks run through the
transposed weight without regard for its rows.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.blocks import CONTRIB, BlockProduct, replace_product, stored_bytes
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.weights import Weight


def store_bnb4(builder: Builder, weight: Weight, block_size: int) -> Narrowed:
    """Replaces every product with the weight (all of kind `product`, with one axis) by MatMulBnb4."""
    columns = weight.array() if weight.axis == 1 else weight.array().T
    nf4 = MatMulBnb4Quantizer.NF4
    quantizer = MatMulBnb4Quantizer(onnx.ModelProto(), nf4, block_size)
    numbers, scales = quantizer.bnb4_block_quant(np.ascontiguousarray(columns))
    stored = [
        builder.initializer(f"{weight.name}_bnb4", numbers),
        builder.initializer(f"{weight.name}_scale", scales),
    ]
    rows, outputs = columns.shape
    form = {"K": rows, "N": outputs, "block_size": block_size, "quant_type": nf4}
    for use in weight.uses:
        replace_product(builder, use, BlockProduct("MatMulBnb4", form), stored)
    builder.model.opset_imports.setdefault(CONTRIB, 1)
    return Narrowed(weight.name, f"w4_nf4_g{block_size}", stored_bytes(stored))
