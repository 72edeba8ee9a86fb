"""Rotated tables in the graph: the integers of each band are looked up, joined, scaled and taken out of their basis."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from modelpack.graph.entropy.grid import Basis, Grid, bands
from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.int8 import along
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.rewrite import Builder, replace_node
from modelpack.graph.recipes.stored import Form
from modelpack.graph.recipes.weights import Weight

SCHEME = "w8_entropy_rotated_row"


def store_rotated_rows(builder: Builder, weight: Weight, grid: Grid, form: Form) -> Narrowed:
    """Replaces every look-up in the table by one of integers, and a product with the basis of the grid."""
    basis = known(grid.basis, "a basis")
    parts = [
        builder.initializer(f"{weight.name}_q8_{number}", part)
        for number, part in enumerate(bands(grid.integers))
    ]
    scales = builder.initializer(f"{weight.name}_scale", along(grid.steps, 0, 2))
    origin = builder.initializer(f"{weight.name}_origin", basis.origin)
    nodes, matrix = _basis(builder, f"{weight.name}_basis", basis, form)
    for use in weight.uses:
        _look_up(builder, use.node, (*parts, scales, matrix, origin))
    builder.model.graph.extend(nodes)  # the graph is sorted when all is done
    kept = (grid.integers, grid.steps, basis.integers, basis.steps, basis.origin)
    return Narrowed(weight.name, SCHEME, sum(array.nbytes for array in kept))


def _basis(builder: Builder, name: str, basis: Basis, form: Form) -> tuple[list[ir.Node], ir.Value]:
    stored = builder.initializer(f"{name}_q8", basis.integers)
    if form == "dequantized":
        scale = builder.initializer(f"{name}_scale", basis.steps)
        node = builder.node("DequantizeLinear", [stored, scale], f"{name}_dequantized", {"axis": 0})
        return [node], node.outputs[0]
    scale = builder.initializer(f"{name}_scale", along(basis.steps, 0, 2).astype(np.float32))
    cast = builder.node("Cast", [stored], f"{name}_cast", {"to": int(ir.DataType.FLOAT)})
    product = builder.node("Mul", [cast.outputs[0], scale], f"{name}_dequantized")
    return [cast, product], product.outputs[0]


def _look_up(builder: Builder, gather: ir.Node, values: tuple[ir.Value, ...]) -> None:
    *parts, scales, matrix, origin = values
    ids, name = gather.inputs[1], gather.name or "gather"
    taken = [
        builder.node("Gather", [part, ids], f"{name}_q8_{number}")
        for number, part in enumerate(parts)
    ]
    joined = builder.node(
        "Concat", [node.outputs[0] for node in taken], f"{name}_joined", {"axis": -1}
    )
    steps = builder.node("Gather", [scales, ids], f"{name}_scale")
    floats = builder.node("Cast", joined.outputs, f"{name}_cast", {"to": int(ir.DataType.FLOAT)})
    rows = builder.node("Mul", [floats.outputs[0], steps.outputs[0]], f"{name}_rotated")
    back = builder.node("MatMul", [rows.outputs[0], matrix], f"{name}_turned")
    moved = builder.node("Add", [back.outputs[0], origin], f"{name}_rows")
    replace_node(gather, [*taken, joined, steps, floats, rows, back, moved])
