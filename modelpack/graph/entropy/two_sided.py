"""Rounding with error feedback along both axes of a weight: over the inputs, and over the outputs.

Minimises tr(G dWᵀ H dW), H the metric over inputs and G that over outputs (see `curvature`). Every number waits for the
numbers left of it and above it, so that one after the other is right and slow. Numbers on one anti-diagonal do not wait
for each other: the weight is cut into tiles, and each tile is rounded one anti-diagonal at a time, for a whole stack of
weights of one shape at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.entropy.matrices import Ints
from modelpack.graph.entropy.rounding import Doubles, feedback_factor, nearest
from modelpack.graph.recipes.weights import Floats

INPUT_DAMPING = 0.1
OUTPUT_DAMPING = 0.3
_TILE = 32
_COLUMNS = 64
_STEPS_PER_OCTAVE = 4
_WIDEST = 4.0


def output_factors(outputs: Doubles) -> Floats:
    """The step of each output as a multiple of the weight's, float32 [stack, outputs], in powers of 2^¼.

    An error is cheap at an output whose error others can make up for, or that little follows from.
    """
    order, factor = feedback_factor(outputs, OUTPUT_DAMPING)
    free = np.empty(order.shape, np.float64)
    np.put_along_axis(free, order, np.diagonal(factor, axis1=1, axis2=2).astype(np.float64), axis=1)
    logs = np.log2(free)
    logs = np.clip(logs - logs.mean(axis=1, keepdims=True), -np.log2(_WIDEST), np.log2(_WIDEST))
    return np.asarray(np.exp2(np.rint(logs * _STEPS_PER_OCTAVE) / _STEPS_PER_OCTAVE), np.float32)


def round_both(weights: Floats, steps: Floats, inputs: Doubles, outputs: Doubles) -> Ints:
    """Integers int8 [stack, inputs, outputs] of weights on grids of `steps` float32 [stack, outputs]."""
    rows, row_factor = feedback_factor(inputs, INPUT_DAMPING)
    columns, column_factor = feedback_factor(outputs, OUTPUT_DAMPING)
    ordered = np.take_along_axis(steps, columns, axis=1)
    left = np.take_along_axis(weights / steps[:, None], rows[:, :, None], axis=1)
    left = np.take_along_axis(left, columns[:, None, :], axis=2)
    along = _unit(row_factor)
    across = _unit(column_factor) * ordered[:, :, None] / ordered[:, None, :]
    integers = np.empty(left.shape, np.int8)
    for start in range(0, left.shape[1], _TILE):
        end = min(start + _TILE, left.shape[1])
        errors = _round_band(
            left[:, start:end], along[:, start:end, start:end], across, integers[:, start:end]
        )
        left[:, end:] -= along[:, start:end, end:].transpose(0, 2, 1) @ errors
    placed, restored = np.empty_like(integers), np.empty_like(integers)
    np.put_along_axis(placed, rows[:, :, None], integers, axis=1)
    np.put_along_axis(restored, columns[:, None, :], placed, axis=2)
    return restored


def round_rows(numbers: Floats, outputs: Doubles) -> Ints:
    """Integers int8 [rows, columns] of `numbers` in units of their rows' steps: feedback along each row alone."""
    columns, factor = feedback_factor(outputs[None], OUTPUT_DAMPING)
    across = _unit(factor)[0]
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


def _round_band(left: Floats, along: Floats, across: Floats, integers: Ints) -> Floats:
    """Rounds one band of rows, tile after tile; gives what later bands must make up for."""
    errors = np.empty_like(left)
    passed = np.zeros_like(left)  # what outputs further left have handed on
    for start in range(0, left.shape[2], _TILE):
        end = min(start + _TILE, left.shape[2])
        tile = slice(start, end)
        handed = _round_tile(
            left[:, :, tile],
            passed[:, :, tile],
            (along, across[:, tile, tile]),
            integers[:, :, tile],
        )
        errors[:, :, tile] = left[:, :, tile] - integers[:, :, tile]
        passed[:, :, end:] -= handed @ across[:, tile, end:]
    return errors


def _round_tile(
    left: Floats, passed: Floats, factors: tuple[Floats, Floats], integers: Ints
) -> Floats:
    """Rounds one tile, one anti-diagonal after the other; gives what it hands on to outputs further right."""
    along, across = factors
    height, width = left.shape[1:]
    handed = np.empty_like(left)
    for diagonal in range(height + width - 1):
        rows = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        columns: NDArray[np.intp] = diagonal - rows
        own = left[:, rows, columns]
        wanted = own + passed[:, rows, columns]
        chosen = nearest(wanted)
        integers[:, rows, columns] = chosen
        handed[:, rows, columns] = rest = wanted - chosen
        below = along[:, rows].transpose(0, 2, 1) * (own - chosen)[:, None]
        left[:, :, columns] -= below
        passed[:, rows] -= across[:, columns] * rest[:, :, None]
    return handed
