"""Rounding with error feedback along both axes of a weight: over the inputs, and over the outputs.

Minimises tr(G dWᵀ H dW), H the metric over inputs and G that over outputs (see `curvature`). Every number waits for the
numbers left of it and above it (see `wavefront`). Who makes up for whom follows from the metrics alone, and takes longer to
find than the rounding itself: a `Side` serves every step that is tried.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.entropy.matrices import Ints
from modelpack.graph.entropy.rounding import Doubles, feedback_factor, nearest
from modelpack.graph.entropy.wavefront import round_in_waves
from modelpack.graph.parallel import in_order
from modelpack.graph.recipes.weights import Floats

INPUT_DAMPING = 0.1
OUTPUT_DAMPING = 0.3
_COLUMNS = 64
_STEPS_PER_OCTAVE = 4
_WIDEST = 4.0


class Side(Struct, frozen=True):
    """How a stack of weights passes errors on along one axis.

    order: [stack, n], which comes first. free: float32 [stack, n] in that order, how much of an error others cannot make up
    for, by which steps are chosen. onto: float32 [stack, n, n], strictly upper, what each takes from those after it.
    """

    order: NDArray[np.intp]
    free: Floats
    onto: Floats


def find_side(metrics: Sequence[Doubles], damping: float) -> Side:
    """The side of a stack whose metrics [n, n] along the axis are given; they are dealt with one by one."""
    size = len(metrics[0])
    side = Side(
        np.empty((len(metrics), size), np.intp),
        np.empty((len(metrics), size), np.float32),
        np.empty((len(metrics), size, size), np.float32),
    )

    def factor(metric: Doubles) -> tuple[NDArray[np.intp], Floats, Floats]:
        order, upper = feedback_factor(metric[None], damping)
        return order[0], np.diagonal(upper[0]), _unit(upper)[0]

    for number, found in enumerate(in_order(factor, metrics)):
        side.order[number], side.free[number], side.onto[number] = found
    return side


def output_factors(outputs: Side) -> Floats:
    """The step of each output as a multiple of the weight's, float32 [stack, outputs], in powers of 2^¼.

    An error is cheap at an output whose error others can make up for, or that little follows from.
    """
    free = np.empty(outputs.order.shape, np.float64)
    np.put_along_axis(free, outputs.order, outputs.free.astype(np.float64), axis=1)
    logs = np.log2(free)
    logs = np.clip(logs - logs.mean(axis=1, keepdims=True), -np.log2(_WIDEST), np.log2(_WIDEST))
    return np.asarray(np.exp2(np.rint(logs * _STEPS_PER_OCTAVE) / _STEPS_PER_OCTAVE), np.float32)


def round_both(weights: Floats, steps: Floats, inputs: Side, outputs: Side) -> Ints:
    """Integers int8 [stack, inputs, outputs] of weights on grids of `steps` float32 [stack, outputs]."""
    ordered = np.take_along_axis(steps, outputs.order, axis=1)
    places = [np.ix_(*orders) for orders in zip(inputs.order, outputs.order, strict=True)]
    left = np.stack([weight[place] for weight, place in zip(weights, places, strict=True)])
    left /= ordered[:, None]
    across = outputs.onto * ordered[:, :, None]
    across /= ordered[:, None, :]
    integers = round_in_waves(left, inputs.onto, across)
    restored = np.empty_like(integers)
    for matrix, place, found in zip(restored, places, integers, strict=True):
        matrix[place] = found
    return restored


def round_rows(numbers: Floats, outputs: Side) -> Ints:
    """Integers int8 [rows, columns] of `numbers` in units of their rows' steps: feedback along each row alone."""
    columns, across = outputs.order, outputs.onto[0]
    left = np.ascontiguousarray(numbers[:, columns[0]].T)
    integers = np.empty(left.shape, np.int8)
    for start in range(0, len(left), _COLUMNS):
        end = min(start + _COLUMNS, len(left))
        errors = np.empty((end - start, left.shape[1]), np.float32)
        for column in range(start, end):
            chosen = nearest(left[column])
            integers[column] = chosen
            errors[column - start] = left[column] - chosen
            left[column + 1 : end] -= (
                across[column, column + 1 : end, None] * errors[column - start]
            )
        left[end:] -= across[start:end, end:].T @ errors
    placed = np.empty_like(integers)
    placed[columns[0]] = integers
    return np.ascontiguousarray(placed.T)


def _unit(factor: Floats) -> Floats:
    """The factor with each row divided by its diagonal, which is then left out: [stack, n, n], strictly upper."""
    diagonal = np.diagonal(factor, axis1=1, axis2=2)
    return np.asarray(np.triu(factor / diagonal[:, :, None], 1), np.float32)
