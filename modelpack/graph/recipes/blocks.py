"""Weights as 4-bit integers in blocks that share a scale: onnxruntime's MatMulNBits and GatherBlockQuantized.

Both are contrib operators that onnxruntime-web's plain WebAssembly build has. The number q of a block with scale s
stands for (q - 8) × s; s is the block's largest number (by magnitude, with its sign) divided by -8, as onnxruntime's
own quantiser does it, so that the largest number is met exactly.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.rewrite import Builder, replace_node
from modelpack.graph.recipes.weights import Floats, Use, Weight, name_of

CONTRIB = "com.microsoft"
_BITS = 4
_ZERO = 8

Bytes = NDArray[np.uint8]


def scheme_of(block_size: int) -> str:
    """The name of 4-bit blocks of that size."""
    return f"w4_g{block_size}_sym"


def round_blocks(rows: Floats, block_size: int) -> tuple[Bytes, Floats]:
    """`rows` float32 [n, k] as uint8 [n, blocks, block_size / 2], two numbers a byte, and scales float32 [n, blocks]."""
    count, length = rows.shape
    blocks = -(-length // block_size)
    padded = np.zeros((count, blocks * block_size), np.float32)
    padded[:, :length] = rows
    grouped = padded.reshape(count, blocks, block_size)
    at_largest = np.abs(grouped).argmax(axis=2)[..., None]
    scales = np.take_along_axis(grouped, at_largest, axis=2)[..., 0] / np.float32(-_ZERO)
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    numbers = np.floor(grouped * inverse[..., None] + np.float32(_ZERO + 0.5))
    numbers = np.clip(numbers, 0, 2 * _ZERO - 1).astype(np.uint8)
    return numbers[..., 0::2] | (numbers[..., 1::2] << 4), scales


def store_product_blocks(builder: Builder, weight: Weight, block_size: int) -> Narrowed:
    """Replaces every product with the weight (all of kind `product`, with one axis) by MatMulNBits."""
    columns = weight.array() if weight.axis == 0 else weight.array().T
    packed, scales = round_blocks(np.ascontiguousarray(columns), block_size)
    stored = builder.initializer(f"{weight.name}_q4", packed)
    scale = builder.initializer(f"{weight.name}_scale", scales)
    attributes = {"K": columns.shape[1], "N": columns.shape[0], **_form(block_size)}
    for use in weight.uses:
        _product(builder, use, (stored, scale), attributes)
    return _narrowed(builder, weight, packed.nbytes + scales.nbytes, block_size)


def store_row_blocks(builder: Builder, weight: Weight, block_size: int) -> Narrowed:
    """Replaces every look-up of rows by GatherBlockQuantized, which dequantises the rows it gathers."""
    table = weight.array()
    packed, scales = round_blocks(table, block_size)
    rows = packed.reshape(len(table), -1)[:, : -(-table.shape[1] // 2)]
    stored = builder.initializer(f"{weight.name}_q4", np.ascontiguousarray(rows))
    scale = builder.initializer(f"{weight.name}_scale", scales)
    attributes = {"gather_axis": 0, "quantize_axis": 1, **_form(block_size)}
    for use in weight.uses:
        ids, name = use.node.inputs[1], use.node.name or "gather"
        inputs = [stored, ids, scale]
        operator = "GatherBlockQuantized"
        node = builder.node(operator, inputs, f"{name}_q4", attributes, domain=CONTRIB)
        replace_node(use.node, [node])
    return _narrowed(builder, weight, rows.nbytes + scales.nbytes, block_size)


def _product(
    builder: Builder, use: Use, stored: tuple[ir.Value, ir.Value], attributes: dict[str, int]
) -> None:
    node = use.node
    name = node.name or name_of(node.outputs[0])
    inputs = [node.inputs[0], *stored]
    made = [builder.node("MatMulNBits", inputs, f"{name}_q4", {**attributes}, domain=CONTRIB)]
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        made.append(builder.node("Add", [made[0].outputs[0], node.inputs[2]], f"{name}_biased"))
    replace_node(node, made)


def _form(block_size: int) -> dict[str, int]:
    return {"bits": _BITS, "block_size": block_size}


def _narrowed(builder: Builder, weight: Weight, size_bytes: int, block_size: int) -> Narrowed:
    builder.model.opset_imports.setdefault(CONTRIB, 1)
    return Narrowed(weight.name, scheme_of(block_size), size_bytes)
