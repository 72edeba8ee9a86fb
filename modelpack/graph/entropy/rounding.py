"""Rounding to a uniform grid so that what the weight computes changes least, and not each number of it.

Second-order error feedback (GPTQ, Frantar et al., 2022, arXiv:2210.17323): inputs are rounded one after the other, the
strongest first, and what an input's rounding loses is made up for by the inputs that follow, as far as they move
together. Numbers a little above half a step go to zero (dead zone): zeros are the cheapest integers.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.entropy.matrices import Ints
from modelpack.graph.recipes.int8 import LARGEST
from modelpack.graph.recipes.weights import Floats

Doubles = NDArray[np.float64]
Factor = tuple[NDArray[np.intp], Floats]

DEAD_ZONE = 0.05  # measured on MiniLM: 1 % of the bytes at equal loss; 0.10 loses 3 %
DAMPING = 0.05  # share of the mean diagonal; keeps feedback off directions that few samples show
_BLOCK = 64  # rows that are corrected one by one before one matrix product corrects the rest
# Feedback moves numbers beyond where they began; a hard clip costs accuracy, so the step leaves room below 127.
_ROOM = 100


class Rounded(Struct, frozen=True):
    """Integers int8 [groups, inputs, outputs] and the step of each output, float32 [groups, outputs]."""

    integers: Ints
    steps: Floats

    def floats(self) -> Floats:
        """What they stand for."""
        return self.integers.astype(np.float32) * self.steps[:, None, :]


def nearest(numbers: Floats) -> Floats:
    """Each number's integer, still as a float: the nearest, but zero within the dead zone."""
    rounded = np.rint(numbers)
    np.copyto(rounded, 0, where=np.abs(numbers) < 0.5 + DEAD_ZONE)
    return np.asarray(np.clip(rounded, -LARGEST, LARGEST, out=rounded), np.float32)


def widened(largest: Floats, steps: Floats) -> Floats:
    """The steps of channels whose largest magnitudes are given: wider where int8 would not hold it."""
    return np.asarray(np.maximum(steps, largest / np.float32(_ROOM)), np.float32)


def round_stack(
    weights: Floats, step: Floats | float, factors: tuple[Factor, ...] | None
) -> Rounded:
    """The weights [groups, inputs, outputs] on the grid of `step` (one, or one for each output [groups, outputs]).

    `factors` are those of blocks of second moments that cover the inputs in order; None rounds plainly.
    """
    largest = np.abs(weights).max(axis=1)
    steps = widened(largest, np.full(largest.shape, step, np.float32))
    if factors is None:
        return Rounded(nearest(weights / steps[:, None]).astype(np.int8), steps)
    integers = np.empty(weights.shape, np.int8)
    start = 0
    for order, factor in factors:
        end = start + order.shape[1]
        integers[:, start:end] = _fed_back(weights[:, start:end], steps, order, factor)
        start = end
    return Rounded(integers, steps)


def feedback_factor(moments: Doubles, damping_share: float = DAMPING) -> Factor:
    """The order of inputs [groups, n], and the upper triangular factor [groups, n, n] that says who makes up for whom."""
    diagonal = np.diagonal(moments, axis1=1, axis2=2)
    order = np.argsort(-diagonal, axis=1, kind="stable")
    mean = diagonal.mean(axis=1)
    damping = np.where(mean > 0, damping_share * mean, 1.0)
    ordered = np.stack([each[np.ix_(at, at)] for each, at in zip(moments, order, strict=True)])
    every = np.arange(moments.shape[-1])
    ordered[:, every, every] += damping[:, None]
    inverse = np.linalg.inv(ordered)
    del ordered  # several of these may be under way, of 34 MB each
    inverse = inverse + inverse.transpose(0, 2, 1)
    inverse /= 2
    factor = np.linalg.cholesky(inverse)
    return order, factor.transpose(0, 2, 1).astype(np.float32)


def _fed_back(weights: Floats, steps: Floats, order: NDArray[np.intp], factor: Floats) -> Ints:
    left = np.take_along_axis(weights, order[:, :, None], axis=1) / steps[:, None]
    integers = np.empty(left.shape, np.int8)
    for start in range(0, left.shape[1], _BLOCK):
        end = min(start + _BLOCK, left.shape[1])
        errors = _round_rows(
            left[:, start:end], factor[:, start:end, start:end], integers[:, start:end]
        )
        left[:, end:] -= factor[:, start:end, end:].transpose(0, 2, 1) @ errors
    placed = np.empty_like(integers)
    np.put_along_axis(placed, order[:, :, None], integers, axis=1)
    return placed


def _round_rows(left: Floats, factor: Floats, integers: Ints) -> Floats:
    """Rounds the rows of one block in order, into `integers`; gives the error of each that later blocks must know."""
    errors = np.empty_like(left)
    for row in range(left.shape[1]):
        numbers = left[:, row]
        chosen = nearest(numbers)
        integers[:, row] = chosen
        error = (numbers - chosen) / factor[:, row, row, None]
        errors[:, row] = error
        left[:, row + 1 :] -= factor[:, row, row + 1 :, None] * error[:, None]
    return errors
