"""Embedding tables as 8-bit integers with one scale per row: only the rows that are looked up become floats again."""

from __future__ import annotations

import onnx_ir as ir

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.int8 import Grid, along
from modelpack.graph.recipes.rewrite import Builder, replace_node
from modelpack.graph.recipes.weights import Weight

SCHEME = "w8_row"
UNSIGNED_SCHEME = "w8u_row"

_FLOAT = {"to": int(ir.DataType.FLOAT)}


def store_rows(builder: Builder, weight: Weight, grid: Grid) -> Narrowed:
    """Replaces Gather(table, ids) by (Gather(integers, ids) - Gather(zeros, ids)) × Gather(scales, ids).

    DequantizeLinear before the Gather would turn the whole table into floats at every run.
    """
    table = builder.initializer(f"{weight.name}_q8", grid.integers)
    scales = builder.initializer(f"{weight.name}_scale", along(grid.steps, 0, 2))
    zeros = None
    if grid.zeros is not None:
        zeros = builder.initializer(f"{weight.name}_zero", along(grid.zeros, 0, 2))
    for use in weight.uses:
        _look_up(builder, use.node, (table, scales, zeros))
    scheme = SCHEME if zeros is None else UNSIGNED_SCHEME
    return Narrowed(weight.name, scheme, grid.size_bytes)


def _look_up(
    builder: Builder, gather: ir.Node, values: tuple[ir.Value, ir.Value, ir.Value | None]
) -> None:
    table, scales, zeros = values
    ids = gather.inputs[1]
    name = gather.name or "gather"
    rows = builder.node("Gather", [table, ids], f"{name}_q8")
    steps = builder.node("Gather", [scales, ids], f"{name}_scale")
    made = [rows, steps, builder.node("Cast", rows.outputs, f"{name}_cast", _FLOAT)]
    if zeros is not None:
        zero = builder.node("Gather", [zeros, ids], f"{name}_zero")
        shift = builder.node("Cast", zero.outputs, f"{name}_zero_cast", _FLOAT)
        from_zero = [made[-1].outputs[0], shift.outputs[0]]
        made += [zero, shift, builder.node("Sub", from_zero, f"{name}_from_zero")]
    made.append(builder.node("Mul", [made[-1].outputs[0], steps.outputs[0]], f"{name}_rows"))
    replace_node(gather, made)
