"""A model with its weights on a recipe's grid, still computed in floats: it opens in a fraction of a second and loses the same.

Products that the recipe multiplies as integers get their inputs rounded to 8 bits as well, by standard operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import onnx_ir as ir
from msgspec import Struct

from modelpack.estimated import Recipe
from modelpack.graph.entropy.half_vectors import FEWEST_HALVED
from modelpack.graph.estimate.grids import (
    Bytes,
    OnGrid,
    as_blocks,
    as_coarse,
    as_floats,
    as_halves,
    as_int8,
)
from modelpack.graph.recipes.assignment import (
    EIGHT_BITS,
    FOUR_BITS,
    Storage,
    assign,
    kept_nodes,
)
from modelpack.graph.recipes.exclude import excluded_nodes
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.weights import (
    MIN_ELEMENTS,
    SHAPED_MIN_ELEMENTS,
    Weight,
    find_weights,
)

_DYNAMIC_OPSET = 11
# The allocation spends bits where they are few: two more on each number of a small weight, near enough.
_SMALL_STEP = 1 / 4
_HALVES = frozenset({"fp16", "q4f16"})


class Simulated(Struct, frozen=True):
    """The model with restored weights, what is stored of them as integers and as floats, and bytes of scales."""

    model: ir.Model
    integers: tuple[Bytes, ...]
    floats: tuple[Bytes, ...]
    extra_bytes: int
    narrowed: int


def simulate(model: ir.Model, recipe: Recipe, relative_step: float = 0.0) -> Simulated:
    """The model as the recipe would change its numbers; `model` itself is changed.

    `relative_step` is that of shaped weights.
    """
    params = recipe.params
    found = _weights(model, recipe)
    storages = assign(model, found, params).storages if found else {}
    integers: list[Bytes] = []
    extra_bytes = 0
    done: set[int] = set()
    for weight in found:
        grid = _on_grid(weight, storages[weight.name], recipe, relative_step)
        if grid is None:
            continue
        done.add(id(weight.value))
        integers.append(grid.symbols)
        extra_bytes += grid.extra_bytes
        weight.value.const_value = ir.tensor(grid.restored, name=weight.value.name)
        if _multiplies_integers(recipe, weight, storages[weight.name]):
            _round_inputs(model, weight)
    halves = {id(weight.value) for weight in found if storages[weight.name].dtype == "fp16"}
    if recipe.shape != "plain":
        halves |= {id(value) for value in _vectors(model)}
    floats = tuple(_floats(model, done, halves, as_half=params.dtype in _HALVES))
    return Simulated(model, tuple(integers), floats, extra_bytes, len(done))


def _weights(model: ir.Model, recipe: Recipe) -> tuple[Weight, ...]:
    params = recipe.params
    if params.dtype in {"fp32", "fp16"}:
        return ()
    excluded = excluded_nodes(model, params.nodes_to_exclude)
    excluded |= kept_nodes(model, params.settings.overrides)
    fewest = MIN_ELEMENTS if recipe.shape == "plain" else SHAPED_MIN_ELEMENTS
    return find_weights(model, excluded, fewest=fewest).weights


def _on_grid(
    weight: Weight, storage: Storage, recipe: Recipe, relative_step: float
) -> OnGrid | None:
    if recipe.shape != "plain":
        small = prod(weight.shape) < MIN_ELEMENTS
        return as_coarse(weight, relative_step * _SMALL_STEP if small else relative_step)
    if storage.dtype in FOUR_BITS:
        scale_bytes = 2 if recipe.params.dtype == "q4f16" else 4
        return as_blocks(weight, storage.block_size, scale_bytes)
    return as_int8(weight) if storage.dtype in EIGHT_BITS else None


def _vectors(model: ir.Model) -> Iterator[ir.Value]:
    """Biases and the like, of which shaped variants store half precision."""
    for value in model.graph.initializers.values():
        sizes = () if value.const_value is None else value.const_value.shape.numpy()
        if FEWEST_HALVED <= max(sizes, default=0) == prod(sizes):
            yield value


def _floats(model: ir.Model, done: set[int], halves: set[int], *, as_half: bool) -> Iterator[Bytes]:
    """What stays floats, as stored; of half precision (all with `as_half`) the model gets the rounded numbers."""
    for graph in model.graphs():
        for value in graph.initializers.values():
            tensor = value.const_value
            if tensor is None or id(value) in done:
                continue
            array = tensor.numpy()
            if array.dtype == "float32" and (as_half or id(value) in halves):
                grid = as_halves(array)
                value.const_value = ir.tensor(grid.restored, name=value.name)
                yield grid.symbols
            elif array.dtype != object:
                yield as_floats(array).symbols


def _multiplies_integers(recipe: Recipe, weight: Weight, storage: Storage) -> bool:
    activations = recipe.params.settings.activations
    if storage.dtype not in EIGHT_BITS or weight.kind != "product":
        return False
    if activations is not None:
        return activations != "float"
    return recipe.params.device == "wasm" and recipe.shape == "plain"


def _round_inputs(model: ir.Model, weight: Weight) -> None:
    if model.opset_imports.get("", 0) < _DYNAMIC_OPSET:
        return
    for use in weight.uses:
        given = known(use.node.inputs[1 - use.index], "an input")
        rounded = ir.node("DynamicQuantizeLinear", [given], num_outputs=3)
        back = ir.node("DequantizeLinear", list(rounded.outputs))
        graph = known(use.node.graph, "a graph")
        graph.insert_before(use.node, [rounded, back])
        use.node.replace_input_with(1 - use.index, back.outputs[0])
