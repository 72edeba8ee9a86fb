"""Weights in fewer bits, each as it is assigned: 8 bits by `q8`, 4 bits by `blocks` and `bnb4`, halves by `halves`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import onnx_ir as ir

from modelpack.graph.recipes.applied import Applied, Narrowed
from modelpack.graph.recipes.assignment import FOUR_BITS, Assigned, Storage, assign
from modelpack.graph.recipes.blocks import Blocks, store_product_blocks, store_row_blocks
from modelpack.graph.recipes.bnb4 import store_bnb4
from modelpack.graph.recipes.halves import fits, store_half
from modelpack.graph.recipes.int8 import Grid, Rounding
from modelpack.graph.recipes.kept import BEYOND_RANGE, Kept
from modelpack.graph.recipes.q8 import finish, narrow_int8, raise_opset
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.weights import Weight, find_weights
from modelpack.planned import QuantizeParams


def apply_mixed(model: ir.Model, params: QuantizeParams, excluded: Collection[str]) -> Applied:
    """The model with each weight as it is assigned; q4 and bnb4 leave it unchanged where no weight takes 4 bits."""
    model = raise_opset(model, params.device, excluded)
    found = find_weights(model, excluded)
    assigned = assign(model, found.weights, params)
    notes = (*found.notes, *assigned.notes)
    if params.dtype in {"q4", "q4f16", "bnb4"} and not _any_four(assigned):
        return Applied(model, (), notes)
    builder, kept = Builder(model), Kept()
    narrowed = _store_all(builder, found.weights, assigned, (params, kept))
    finish(builder)
    return Applied(model, tuple(narrowed), (*notes, *kept.notes()))


def _any_four(assigned: Assigned) -> bool:
    return any(storage.dtype in FOUR_BITS for storage in assigned.storages.values())


def _store_all(
    builder: Builder,
    weights: Sequence[Weight],
    assigned: Assigned,
    rest: tuple[QuantizeParams, Kept],
) -> list[Narrowed]:
    params, kept = rest
    narrowed: list[Narrowed] = []
    eights: list[Weight] = []
    for weight in weights:
        storage = assigned.storages[weight.name]
        if storage.dtype == "fp16":
            if fits(weight.array()):
                narrowed.append(store_half(builder, weight.value))
            else:
                kept.add(weight.name, BEYOND_RANGE)
        elif storage.dtype in FOUR_BITS:
            narrowed.append(_store_four(builder, weight, storage, params))
        elif storage.dtype != "fp32":
            eights.append(weight)

    def grid_of(weight: Weight) -> Grid:
        signed = assigned.storages[weight.name].dtype != "uint8"
        rounding = Rounding(signed, params.settings.per_channel)
        return rounding.grid(weight.array(), weight.axis)

    as_integers = params.settings.activations != "float"
    narrowed.extend(
        narrow_int8(builder, params.device, eights, grid_of, integer_products=as_integers)
    )
    return narrowed


def _store_four(
    builder: Builder, weight: Weight, storage: Storage, params: QuantizeParams
) -> Narrowed:
    if storage.dtype == "bnb4":
        return store_bnb4(builder, weight, storage.block_size)
    blocks = Blocks(storage.block_size, params.settings.symmetric)
    store = store_row_blocks if weight.kind == "rows" else store_product_blocks
    return store(builder, weight, blocks)
