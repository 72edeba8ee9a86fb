"""Weights on their grids: the integers, their steps, and what a bias must make up for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from modelpack.graph.entropy.corrections import mean_shift
from modelpack.graph.entropy.curvature import Curvature
from modelpack.graph.entropy.frequency import row_factors
from modelpack.graph.entropy.grid import Grid
from modelpack.graph.entropy.matrices import has_matrices, stack, unstack
from modelpack.graph.entropy.moments import Moments
from modelpack.graph.entropy.rotation import find_basis, rotated
from modelpack.graph.entropy.rounding import Rounded, nearest, round_stack, widened
from modelpack.graph.entropy.two_sided import output_factors, round_both, round_rows
from modelpack.graph.recipes.int8 import along
from modelpack.graph.recipes.weights import Floats, Weight
from modelpack.units import MIB

_STACK_BYTES = 256 * MIB  # of factors held at once


class Seen(Struct, frozen=True):
    """What samples showed of a model, by the name of the weight."""

    moments: Mapping[str, Moments]
    curvature: Mapping[str, Curvature]


def make_grids(
    weights: Sequence[Weight], steps: Mapping[str, float], seen: Seen
) -> dict[str, Grid]:
    """Each weight on a grid of its step.

    1. Products of known curvature: feedback along both axes, each output on its own step.
    2. Other products and filters whose inputs were seen: feedback along the inputs.
    3. Rows that are looked up: rare rows on wider steps; if the curvature is known, the table is rotated where that pays,
       and else rounded with feedback along each row.
    4. Everything else: rounded plainly.
    """
    grids: dict[str, Grid] = {}
    both = [weight for weight in weights if has_matrices(weight) and weight.name in seen.curvature]
    for same in _of_one_shape(both):
        for weight, rounded in zip(same, _rounded_both(same, steps, seen), strict=True):
            grids[weight.name] = _of_stack(weight, rounded, seen.moments[weight.name])
    for weight in weights:
        if weight.name not in grids:
            grids[weight.name] = _grid(weight, steps[weight.name], seen)
    return grids


def _of_one_shape(weights: Sequence[Weight]) -> list[list[Weight]]:
    """The weights in lists of one shape, none so long that its factors would take more than _STACK_BYTES."""
    lists: dict[tuple[int, ...], list[list[Weight]]] = {}
    for weight in weights:
        shape = stack(weight).shape[1:]
        most = max(1, _STACK_BYTES // (4 * (shape[0] ** 2 + shape[1] ** 2)))
        same = lists.setdefault(shape, [[]])
        if len(same[-1]) == most:
            same.append([])
        same[-1].append(weight)
    return [each for same in lists.values() for each in same]


def _rounded_both(
    weights: Sequence[Weight], steps: Mapping[str, float], seen: Seen
) -> list[Rounded]:
    stacked = np.concatenate([stack(weight) for weight in weights])
    curvature = [seen.curvature[weight.name] for weight in weights]
    outputs = np.stack([each.outputs for each in curvature])
    inputs = np.stack([each.inputs for each in curvature])
    base = np.array([steps[weight.name] for weight in weights], np.float32)
    wanted = base[:, None] * output_factors(outputs)
    widths = widened(np.abs(stacked).max(axis=1), wanted)
    integers = round_both(stacked, widths, inputs, outputs)
    return [Rounded(integers[index, None], widths[index, None]) for index in range(len(weights))]


def _of_stack(weight: Weight, rounded: Rounded, moments: Moments) -> Grid:
    shift = mean_shift(weight, rounded, moments.mean)
    return Grid(unstack(weight, rounded.integers), rounded.steps.reshape(-1), shift)


def _grid(weight: Weight, step: float, seen: Seen) -> Grid:
    moments = seen.moments.get(weight.name)
    if has_matrices(weight) and moments is not None:
        return _of_stack(weight, round_stack(stack(weight), step, moments.blocks), moments)
    if weight.kind == "rows" and moments is not None:
        return _rows(weight, step, moments, seen.curvature.get(weight.name))
    return _plain(weight, np.full(weight.shape[weight.axis], step, np.float32))


def _rows(weight: Weight, step: float, moments: Moments, curvature: Curvature | None) -> Grid:
    table = weight.array()
    factors = row_factors(moments.counts, np.linalg.norm(table, axis=1))
    if curvature is None:
        return _plain(weight, step * factors)
    basis = find_basis(table, factors, curvature.outputs)
    numbers = table if basis is None else rotated(table, basis)
    steps = widened(np.abs(numbers).max(axis=1), step * factors)
    if basis is not None:
        return Grid(nearest(numbers / steps[:, None]).astype(np.int8), steps, basis=basis)
    return Grid(round_rows(numbers / steps[:, None], curvature.outputs), steps)


def _plain(weight: Weight, steps: Floats) -> Grid:
    array = weight.array()
    channels = np.moveaxis(array, weight.axis, 0).reshape(len(steps), -1)
    steps = widened(np.abs(channels).max(axis=1), steps)
    return Grid(nearest(array / along(steps, weight.axis, array.ndim)).astype(np.int8), steps)
