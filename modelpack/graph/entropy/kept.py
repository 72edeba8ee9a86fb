"""Which products stay products of floats where the others multiply integers.

A product of integers rounds its inputs to 8 bits as they come. What that costs differs by orders of magnitude between
products; the costliest few take most of the limit's allowance, and would push every weight onto a finer grid. Small
products are not worth the nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from modelpack.graph.entropy.curvature import Curvature
from modelpack.graph.recipes.weights import MIN_ELEMENTS, Weight

_SHARE = 0.15  # of the allowed error that all rounding of inputs together may take
_MOST = 1 / 4  # of all multiplications may stay in floats: each of them takes about twice as long


def kept_in_floats(
    weights: Sequence[Weight], curvature: Mapping[str, Curvature], allowed: float
) -> frozenset[str]:
    """The names of the weights whose products stay floats, for an `allowed` relative squared error of the outputs."""
    sizes = {
        weight.name: prod(weight.shape)
        for weight in weights
        if weight.kind == "product"
        and weight.name in curvature
        and prod(weight.shape) >= MIN_ELEMENTS
    }
    left = sum(curvature[name].activations for name in sizes)
    room = _MOST * sum(sizes.values())
    kept = {weight.name for weight in weights if prod(weight.shape) < MIN_ELEMENTS}
    for name in sorted(sizes, key=lambda name: -curvature[name].activations / sizes[name]):
        if left <= _SHARE * allowed:
            break
        if sizes[name] <= room:
            kept.add(name)
            room -= sizes[name]
            left -= curvature[name].activations
    return frozenset(kept)
