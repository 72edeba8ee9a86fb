"""Everything that samples show of a model, measured: moments, curvature, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
from msgspec import structs

from modelpack.graph.entropy.curvature import Curvature, Site, measure_curvature
from modelpack.graph.entropy.grids import Seen
from modelpack.graph.entropy.matrices import stack
from modelpack.graph.entropy.moments import Doubles, Moments
from modelpack.graph.entropy.sensitivity import measure_costs
from modelpack.graph.entropy.statistics import Statistics
from modelpack.graph.entropy.taps import Tap, find_taps
from modelpack.graph.entropy.watching import watch
from modelpack.graph.golden.samples import Sample
from modelpack.graph.io import read_model
from modelpack.graph.recipes.weights import SHAPED_MIN_ELEMENTS, Weight, find_weights, name_of

# The inputs' plain moments beside those that gradients weigh: 300 projections leave some directions unseen.
_PLAIN_SHARE = 0.5
# Numbers of a filter from which feedback along its outputs is worth its gradients: on magika's one large filter it takes
# 4 % off the bytes, on ultraface's, of 37 thousand numbers at most, it adds 2 %.
_LARGE_FILTER = 1 << 16


def measure(source: Path, samples: Sequence[Sample], outputs: Sequence[str]) -> Statistics:
    """The statistics of the model over the samples, with an error of the named outputs (all, where none are) as cost."""
    model = read_model(source)
    weights = find_weights(model, (), fewest=SHAPED_MIN_ELEMENTS).weights
    taps = find_taps(model, weights)
    moments = watch(source, taps, samples)
    sites = tuple(_sites(weights, taps))
    curvature = measure_curvature(source, sites, moments, samples, outputs=outputs)
    # Matrices are dropped as soon as what follows from them is there: they are most of the memory.
    mixed = {name: _mixed(curvature.pop(name), moments[name]) for name in tuple(curvature)}
    for name in mixed:
        moments[name] = structs.replace(moments[name], blocks=())
    seen = Seen(moments, mixed)
    return Statistics(seen, measure_costs(source, weights, seen, samples, outputs=outputs))


def _sites(weights: Sequence[Weight], taps: Sequence[Tap]) -> list[Site]:
    """The products, large filters without groups and look-ups that one node alone computes."""
    by_name: Mapping[str, Weight] = {weight.name: weight for weight in weights}
    return [
        Site(
            tap,
            name_of(by_name[tap.weight].uses[0].node.outputs[0]),
            by_name[tap.weight].shape[1 if tap.kind == "rows" else by_name[tap.weight].axis],
            stack(by_name[tap.weight])[0] if tap.kind == "product" else None,
        )
        for tap in taps
        if len(by_name[tap.weight].uses) == 1 and _pays(tap, by_name[tap.weight])
    ]


def _pays(tap: Tap, weight: Weight) -> bool:
    if tap.patches is None:
        return True
    return tap.patches.groups == 1 and prod(weight.shape) >= _LARGE_FILTER


def _mixed(curvature: Curvature, moments: Moments) -> Curvature:
    if not moments.blocks:
        return curvature
    inputs = _normal(curvature.inputs) + _PLAIN_SHARE * _normal(moments.blocks[0][0])
    return structs.replace(curvature, inputs=inputs)


def _normal(metric: Doubles) -> Doubles:
    trace = float(np.trace(metric))
    return metric / trace if trace > 0 else metric
