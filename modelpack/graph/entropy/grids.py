"""Weights on their grids: the integers, their steps, and what a bias must make up for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from modelpack.graph.entropy.corrections import mean_shift
from modelpack.graph.entropy.curvature import Curvature
from modelpack.graph.entropy.frequency import row_factors
from modelpack.graph.entropy.matrices import Ints, has_matrices, stack, unstack
from modelpack.graph.entropy.moments import Moments
from modelpack.graph.entropy.rounding import Rounded, nearest, round_stack, widened
from modelpack.graph.entropy.two_sided import output_factors, round_both, round_rows
from modelpack.graph.recipes.int8 import along
from modelpack.graph.recipes.weights import Floats, Weight
from modelpack.units import MIB

_STACK_BYTES = 256 * MIB  # of factors held at once


class Grid(Struct, frozen=True):
    """Integers int8 in the weight's shape, steps float32 [channels] along its axis, correction float32 [outputs] or []."""

    integers: Ints
    steps: Floats
    correction: Floats

    def floats(self, axis: int) -> Floats:
        """What the integers stand for, in the weight's shape."""
        return self.integers.astype(np.float32) * along(self.steps, axis, self.integers.ndim)


class Seen(Struct, frozen=True):
    """What samples showed of a model, by the name of the weight."""

    moments: Mapping[str, Moments]
    curvature: Mapping[str, Curvature]


NOTHING: Floats = np.zeros(0, np.float32)


def make_grids(
    weights: Sequence[Weight], steps: Mapping[str, float], seen: Seen
) -> dict[str, Grid]:
    """Each weight on a grid of its step.

    1. Products of known curvature: feedback along both axes, each output on its own step.
    2. Other products and filters whose inputs were seen: feedback along the inputs.
    3. Rows that are looked up: rare rows on wider steps, with feedback along each row if the curvature is known.
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


def entropy_bits(integers: Ints) -> float:
    """The entropy of one integer, in bits: what an ideal coder of single numbers spends on it."""
    counts = np.bincount(integers.reshape(-1).view(np.uint8), minlength=256)
    shares = counts[counts > 0] / integers.size
    return float(-(shares * np.log2(shares)).sum())


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
    array = weight.array()
    channels = np.moveaxis(array, weight.axis, 0).reshape(array.shape[weight.axis], -1)
    steps = np.full(len(channels), step, np.float32)
    if weight.kind == "rows" and moments is not None:
        steps *= row_factors(moments.counts)
    steps = widened(np.abs(channels).max(axis=1), steps)
    numbers = array / along(steps, weight.axis, array.ndim)
    curvature = seen.curvature.get(weight.name)
    if curvature is not None:
        return Grid(round_rows(numbers, curvature.outputs), steps, NOTHING)
    return Grid(nearest(numbers).astype(np.int8), steps, NOTHING)
