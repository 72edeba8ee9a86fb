"""Weights as 4-bit integers in blocks that share a scale: onnxruntime's MatMulNBits and GatherBlockQuantized.

Both are contrib operators that onnxruntime-web's plain WebAssembly build has. The number q of a block with scale s and
zero point z stands for (q - z) × s. Symmetric: z is 8, and s the block's largest number (by magnitude, with its sign)
divided by -8, as onnxruntime's own quantiser does it, so that the largest number is met exactly. Asymmetric: s reaches
from the block's least number (at most 0) to its largest (at least 0), which takes half a byte more for z.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.rewrite import Builder, replace_node
from modelpack.graph.recipes.weights import Floats, Use, Weight, name_of

CONTRIB = "com.microsoft"
_BITS = 4
_ZERO = 8
_MOST = 15

Bytes = NDArray[np.uint8]


class Blocks(Struct, frozen=True):
    """How 4-bit weights are cut: `size` numbers share a scale, and where they are not `symmetric`, a zero point."""

    size: int
    symmetric: bool = True

    @property
    def scheme(self) -> str:
        """Their name."""
        return f"w4_g{self.size}_{'sym' if self.symmetric else 'asym'}"


class Packed(Struct, frozen=True):
    """Rows in blocks: uint8 [n, blocks, size / 2], two numbers a byte; scales float32 [n, blocks]; zero points packed.

    `zeros` is uint8 [n, blocks / 2, rounded up], two a byte; None where 8 is meant.
    """

    numbers: Bytes
    scales: Floats
    zeros: Bytes | None = None


class BlockProduct(Struct, frozen=True):
    """An operator of onnxruntime that multiplies by blocks, and its attributes."""

    operator: str
    form: dict[str, int]


def round_blocks(rows: Floats, blocks: Blocks) -> Packed:
    """`rows` float32 [n, k] in blocks along k, the last of them filled up with zeros."""
    count, length = rows.shape
    number = -(-length // blocks.size)
    padded = np.zeros((count, number * blocks.size), np.float32)
    padded[:, :length] = rows
    grouped = padded.reshape(count, number, blocks.size)
    scales, zeros = _symmetric(grouped) if blocks.symmetric else _asymmetric(grouped)
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    integers = np.floor(grouped * inverse[..., None] + zeros[..., None] + np.float32(0.5))
    packed = _pack(np.clip(integers, 0, _MOST).astype(np.uint8))
    return Packed(packed, scales, None if blocks.symmetric else _pack(zeros.astype(np.uint8)))


def store_product_blocks(builder: Builder, weight: Weight, blocks: Blocks) -> Narrowed:
    """Replaces every product with the weight (all of kind `product`, with one axis) by MatMulNBits."""
    columns = weight.array() if weight.axis == 0 else weight.array().T
    packed = round_blocks(np.ascontiguousarray(columns), blocks)
    stored = [
        builder.initializer(f"{weight.name}_q4", packed.numbers),
        builder.initializer(f"{weight.name}_scale", packed.scales),
    ]
    if packed.zeros is not None:
        stored.append(builder.initializer(f"{weight.name}_zero", packed.zeros))
    form = {"K": columns.shape[1], "N": columns.shape[0], **_form(blocks)}
    for use in weight.uses:
        replace_product(builder, use, BlockProduct("MatMulNBits", form), stored)
    return _narrowed(builder, weight, stored, blocks.scheme)


def store_row_blocks(builder: Builder, weight: Weight, blocks: Blocks) -> Narrowed:
    """Replaces every look-up of rows by GatherBlockQuantized, which dequantises the rows it gathers."""
    table = weight.array()
    packed = round_blocks(table, blocks)
    rows = packed.numbers.reshape(len(table), -1)[:, : -(-table.shape[1] // 2)]
    stored = [
        builder.initializer(f"{weight.name}_q4", np.ascontiguousarray(rows)),
        builder.initializer(f"{weight.name}_scale", packed.scales),
    ]
    if packed.zeros is not None:
        stored.append(builder.initializer(f"{weight.name}_zero", packed.zeros))
    attributes = {"gather_axis": 0, "quantize_axis": 1, **_form(blocks)}
    for use in weight.uses:
        ids, name = use.node.inputs[1], use.node.name or "gather"
        inputs = [stored[0], ids, *stored[1:]]
        operator = "GatherBlockQuantized"
        node = builder.node(operator, inputs, f"{name}_q4", attributes, domain=CONTRIB)
        replace_node(use.node, [node])
    return _narrowed(builder, weight, stored, blocks.scheme)


def replace_product(
    builder: Builder, use: Use, product: BlockProduct, stored: list[ir.Value]
) -> None:
    """Puts `product`, which reads `stored` after the activations, in the place of a product with floats."""
    node = use.node
    name = node.name or name_of(node.outputs[0])
    inputs = [node.inputs[0], *stored]
    form = {**product.form}
    made = [builder.node(product.operator, inputs, f"{name}_q4", form, domain=CONTRIB)]
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        made.append(builder.node("Add", [made[0].outputs[0], node.inputs[2]], f"{name}_biased"))
    replace_node(node, made)


def _symmetric(grouped: Floats) -> tuple[Floats, Floats]:
    at_largest = np.abs(grouped).argmax(axis=2)[..., None]
    scales = np.take_along_axis(grouped, at_largest, axis=2)[..., 0] / np.float32(-_ZERO)
    return scales, np.full_like(scales, _ZERO)


def _asymmetric(grouped: Floats) -> tuple[Floats, Floats]:
    least = np.minimum(grouped.min(axis=2), np.float32(0))
    scales = (np.maximum(grouped.max(axis=2), np.float32(0)) - least) / np.float32(_MOST)
    zeros = np.divide(-least, scales, out=np.zeros_like(scales), where=scales != 0)
    return scales, np.clip(np.rint(zeros), 0, _MOST).astype(np.float32)


def _pack(numbers: Bytes) -> Bytes:
    """Two numbers a byte along the last axis, the first one low."""
    if numbers.shape[-1] % 2:
        numbers = np.concatenate([numbers, np.zeros_like(numbers[..., :1])], axis=-1)
    packed: Bytes = numbers[..., 0::2] | (numbers[..., 1::2] << np.uint8(4))
    return packed


def _form(blocks: Blocks) -> dict[str, int]:
    return {"bits": _BITS, "block_size": blocks.size}


def _narrowed(builder: Builder, weight: Weight, stored: list[ir.Value], scheme: str) -> Narrowed:
    builder.model.opset_imports.setdefault(CONTRIB, 1)
    return Narrowed(weight.name, scheme, stored_bytes(stored))


def stored_bytes(stored: list[ir.Value]) -> int:
    """The bytes of these initialisers."""
    return sum(value.const_value.nbytes for value in stored if value.const_value is not None)
