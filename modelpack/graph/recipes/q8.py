"""Weights as 8-bit integers, each in the form that suits its reader and the device.

wasm:   products as integers (`products`), look-ups by row (`rows`), the rest stored only (`stored`, folded).
others: look-ups by row, the rest stored only (`stored`, dequantized): integer products have no WebGPU kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import onnx_ir as ir

from modelpack.graph.recipes.applied import Narrowed
from modelpack.graph.recipes.int8 import Grid
from modelpack.graph.recipes.opset import at_least, opset_of
from modelpack.graph.recipes.products import DYNAMIC_OPSET, IntegerProducts
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.rows import store_rows
from modelpack.graph.recipes.stored import DEQUANTIZED_OPSET, Form, store_int8
from modelpack.graph.recipes.weights import Weight, find_weights
from modelpack.spec.variants import Device


def raise_opset(model: ir.Model, device: Device, excluded: Collection[str]) -> ir.Model:
    """The model at an opset that has the operators of the device's form; as it is where that cannot be done."""
    if device != "wasm":
        return at_least(model, DEQUANTIZED_OPSET)
    products = any(weight.kind == "product" for weight in find_weights(model, excluded).weights)
    return at_least(model, DYNAMIC_OPSET) if products else model


def narrow_int8(
    builder: Builder,
    device: Device,
    weights: Collection[Weight],
    grid_of: Callable[[Weight], Grid],
    *,
    integer_products: bool = True,
) -> tuple[Narrowed, ...]:
    """Puts each weight on its grid, in the form its kind and the device ask for."""
    opset = opset_of(builder.model)
    as_integers = integer_products and device == "wasm" and opset >= DYNAMIC_OPSET
    products = IntegerProducts(builder)
    form = storage_form(builder.model, device)
    narrowed = []
    for weight in weights:
        grid = grid_of(weight)
        if weight.kind == "rows":
            narrowed.append(store_rows(builder, weight, grid))
        elif weight.kind == "product" and as_integers:
            narrowed.append(products.rewrite(weight, grid))
        else:
            narrowed.append(store_int8(builder, weight, form, grid))
    return tuple(narrowed)


def storage_form(model: ir.Model, device: Device) -> Form:
    """The form of 8-bit weights that are computed in floats."""
    if device != "wasm" and opset_of(model) >= DEQUANTIZED_OPSET:
        return "dequantized"
    return "folded"


def finish(builder: Builder) -> None:
    """Drops the weights that were replaced, and puts nodes into an order that runs."""
    builder.drop_unused()
    builder.model.graph.sort()
