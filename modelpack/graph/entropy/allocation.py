"""How coarse each weight's grid may be, so that the bytes of all are least at a given total error.

With bits b(s) and error cost × s² the best steps minimise Σ count × b(s) + λ × Σ cost × s²; where b falls by one bit per
octave (the high-rate limit) this is the closed form s² ∝ count / cost. At two or three bits b falls more slowly, so b is
measured on the weights themselves. One number, λ, orders all allocations from fine to coarse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from modelpack.graph.entropy.grid import entropy_bits
from modelpack.graph.entropy.rounding import Doubles, nearest
from modelpack.graph.recipes.weights import Weight

# From a 64th of the deviation (8 bits) to twice it (1 bit), four measured points per octave, eight between each two.
_MEASURED = np.exp2(np.arange(-24, 5) / 4)
_BETWEEN = 8
_FINE = np.exp2(np.arange(-24 * _BETWEEN, 4 * _BETWEEN + 1) / (4 * _BETWEEN))
_MOST_NUMBERS = 1 << 16


class Curve(Struct, frozen=True):
    """One weight as the allocation sees it: candidate steps, and the bits all of it takes at each, float64 [candidates]."""

    name: str
    kind: str
    cost: float
    steps: Doubles
    bits: Doubles


def make_curves(weights: Sequence[Weight], costs: Mapping[str, float]) -> tuple[Curve, ...]:
    """The curve of each weight."""
    return tuple(_curve(weight, costs[weight.name]) for weight in weights)


def allocate(curves: Sequence[Curve], scale: float) -> dict[str, float]:
    """The step of each weight; all errors together grow with 2 ** `scale` where the high-rate limit holds."""
    price = 2.0**-scale
    chosen = {}
    for curve in curves:
        total = curve.bits + price * curve.cost * np.square(curve.steps)
        chosen[curve.name] = float(curve.steps[int(total.argmin())])
    return chosen


def predicted_error(curves: Sequence[Curve], steps: Mapping[str, float]) -> float:
    """The relative squared error of the outputs, as the sum of what the weights cost one by one."""
    return sum(curve.cost * steps[curve.name] ** 2 for curve in curves)


def predicted_bytes(curves: Sequence[Curve], steps: Mapping[str, float]) -> float:
    """The bytes of all integers, at their entropy."""
    bits = (np.interp(steps[curve.name], curve.steps, curve.bits) for curve in curves)
    return float(sum(bits)) / 8


def _curve(weight: Weight, cost: float) -> Curve:
    numbers = weight.array().reshape(-1)
    count = numbers.size
    numbers = numbers[:: max(1, count // _MOST_NUMBERS)]
    deviation = float(numbers.std(dtype=np.float64)) or 1.0
    measured = [
        entropy_bits(nearest(numbers / np.float32(step * deviation)).astype(np.int8))
        for step in _MEASURED
    ]
    bits = np.interp(np.log2(_FINE), np.log2(_MEASURED), measured)
    return Curve(weight.name, weight.kind, cost, _FINE * deviation, bits * count)
