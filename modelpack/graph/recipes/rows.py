"""Embedding tables as int8 with one scale per row: only the rows that are looked up become floats again."""

from __future__ import annotations

import onnx_ir as ir

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.int8 import Grid, along, round_channels
from modelpack.graph.recipes.rewrite import Builder, replace_node
from modelpack.graph.recipes.weights import Weight

SCHEME = "w8_row"


def store_rows(builder: Builder, weight: Weight, grid: Grid | None = None) -> Narrowed:
    """Replaces Gather(table, ids) by Gather(int8 table, ids) × Gather(scales, ids).

    DequantizeLinear before the Gather would turn the whole table into floats at every run.
    """
    integers, steps = grid or round_channels(weight.array(), 0)
    table = builder.initializer(f"{weight.name}_q8", integers)
    scales = builder.initializer(f"{weight.name}_scale", along(steps, 0, 2))
    for use in weight.uses:
        _look_up(builder, use.node, table, scales)
    return Narrowed(weight.name, SCHEME, integers.nbytes + steps.nbytes)


def _look_up(builder: Builder, gather: ir.Node, table: ir.Value, scales: ir.Value) -> None:
    ids = gather.inputs[1]
    name = gather.name or "gather"
    rows = builder.node("Gather", [table, ids], f"{name}_q8")
    steps = builder.node("Gather", [scales, ids], f"{name}_scale")
    floats = builder.node("Cast", rows.outputs, f"{name}_cast", {"to": int(ir.DataType.FLOAT)})
    product = builder.node("Mul", [floats.outputs[0], steps.outputs[0]], f"{name}_rows")
    replace_node(gather, [rows, steps, floats, product])
