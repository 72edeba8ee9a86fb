"""Grids → a model of standard operators, in the form the device runs: the same forms as the recipe q8."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import onnx_ir as ir
from msgspec import Struct

from modelpack.graph.entropy.corrections import add_correction
from modelpack.graph.entropy.divided import DividedInputs
from modelpack.graph.entropy.grid import Grid
from modelpack.graph.entropy.half_vectors import halve_vectors
from modelpack.graph.entropy.rotated_rows import store_rotated_rows
from modelpack.graph.recipes.applied import Applied, Narrowed
from modelpack.graph.recipes.int8 import Grid as PlainGrid
from modelpack.graph.recipes.q8 import finish, narrow_int8, raise_opset, storage_form
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.weights import SHAPED_MIN_ELEMENTS, find_weights
from modelpack.spec.variants import Device

# `integers`: products of integers, activations rounded as they come. `floats`: only the weights are integers.
Products = Literal["integers", "floats"]

_SCHEMES = {
    "w8_channel_a8_dyn": "w8_entropy_a8_dyn",
    "w8_channel": "w8_entropy",
    "w8_row": "w8_entropy_row",
}


class Form(Struct, frozen=True):
    """Where the model runs, and how its products are computed there."""

    device: Device
    products: Products


def render(
    model: ir.Model,
    form: Form,
    excluded: Collection[str],
    grids: Mapping[str, Grid],
) -> Applied:
    """The model with each weight that has a grid stored on it; weights without one stay as they are."""
    model = raise_opset(model, form.device, excluded)
    found = find_weights(model, excluded, fewest=SHAPED_MIN_ELEMENTS)
    weights = tuple(weight for weight in found.weights if weight.name in grids)
    builder = Builder(model)
    divided = DividedInputs(builder)
    for weight in weights:
        if grids[weight.name].divisors.size:
            divided.divide(weight.uses[0], grids[weight.name].divisors)
        correction = grids[weight.name].correction
        if correction.size:
            add_correction(builder, weight, correction)
    turned = [weight for weight in weights if grids[weight.name].basis is not None]
    straight = [weight for weight in weights if grids[weight.name].basis is None]
    narrowed: list[Narrowed] = []
    for in_floats in (False, True):
        some = [weight for weight in straight if grids[weight.name].in_floats == in_floats]
        integers = form.products == "integers" and not in_floats
        narrowed += narrow_int8(
            builder,
            form.device,
            some,
            lambda weight: _plain(grids[weight.name]),
            integer_products=integers,
        )
    stored = storage_form(model, form.device)
    rotated = [store_rotated_rows(builder, weight, grids[weight.name], stored) for weight in turned]
    halve_vectors(builder, excluded)
    finish(builder)
    renamed = [Narrowed(one.name, _SCHEMES[one.scheme], one.size_bytes) for one in narrowed]
    return Applied(model, (*renamed, *rotated), found.notes)


def _plain(grid: Grid) -> PlainGrid:
    return PlainGrid(grid.integers, grid.steps)
