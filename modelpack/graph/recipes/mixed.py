"""Weights in fewer bits, each as it is assigned: 8 bits by `q8`, 4 bits by `blocks` and `bnb4`, halves by `halves`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import onnx_ir as ir

from modelpack.graph.recipes.applied import Applied, Narrowed
from modelpack.graph.recipes.assignment import EIGHT_BITS, FOUR_BITS, Assigned, Storage, assign
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
    builder = Builder(model)
    others, kept = store_others(builder, found.weights, assigned, params)
    eights = store_eights(
        builder,
        found.weights,
        assigned,
        params,
        integer_products=params.settings.activations != "float",
    )
    finish(builder)
    return Applied(model, (*others, *eights), (*notes, *kept))


def store_others(
    builder: Builder, weights: Sequence[Weight], assigned: Assigned, params: QuantizeParams
) -> tuple[tuple[Narrowed, ...], tuple[str, ...]]:
    """Stores the weights that are assigned neither 8 bits nor fp32, and notes on those that cannot be so stored."""
    narrowed, kept = [], Kept()
    for weight in weights:
        storage = assigned.storages[weight.name]
        if storage.dtype == "fp16" and not fits(weight.array()):
            kept.add(weight.name, BEYOND_RANGE)
        elif storage.dtype == "fp16":
            narrowed.append(store_half(builder, weight.value))
        elif storage.dtype in FOUR_BITS:
            narrowed.append(_store_four(builder, weight, storage, params))
    return tuple(narrowed), kept.notes()


def store_eights(
    builder: Builder,
    weights: Sequence[Weight],
    assigned: Assigned,
    params: QuantizeParams,
    *,
    integer_products: bool,
) -> tuple[Narrowed, ...]:
    """Stores the weights that are assigned 8 bits, each in the form that suits it."""
    per_channel = params.settings.per_channel
    eights = [weight for weight in weights if assigned.storages[weight.name].dtype in EIGHT_BITS]

    def grid_of(weight: Weight) -> Grid:
        signed = assigned.storages[weight.name].dtype != "uint8"
        return Rounding(signed, per_channel).grid(weight.array(), weight.axis)

    narrowed = narrow_int8(
        builder, params.device, eights, grid_of, integer_products=integer_products
    )
    return narrowed if per_channel else tuple(map(_of_all_channels, narrowed))


def _of_all_channels(narrowed: Narrowed) -> Narrowed:
    scheme = narrowed.scheme.replace("_channel", "_tensor").replace("_row", "_tensor")
    return Narrowed(narrowed.name, scheme, narrowed.size_bytes)


def _any_four(assigned: Assigned) -> bool:
    return any(storage.dtype in FOUR_BITS for storage in assigned.storages.values())


def _store_four(
    builder: Builder, weight: Weight, storage: Storage, params: QuantizeParams
) -> Narrowed:
    if storage.dtype == "bnb4":
        return store_bnb4(builder, weight, storage.block_size)
    blocks = Blocks(storage.block_size, params.settings.symmetric)
    store = store_row_blocks if weight.kind == "rows" else store_product_blocks
    return store(builder, weight, blocks)
