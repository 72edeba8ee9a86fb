"""What an error in each weight costs: one weight at a time on a coarse grid, the others as they are, on the fit samples.

The cost is measured on the very rounding that will be used, error feedback and mean correction included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from modelpack.graph.entropy.grid import Grid
from modelpack.graph.entropy.grids import Seen, make_grids
from modelpack.graph.entropy.promoted import Promoted
from modelpack.graph.golden.samples import Sample
from modelpack.graph.metrics.case import Outputs
from modelpack.graph.parallel import in_order
from modelpack.graph.recipes.weights import Floats, Weight

# Of the weights' deviation: about 3.4 bits, where most tensors end for a cosine of 0.99. Error grows with the square of
# the step only within a few octaves, so the probe lies where the answer will.
PROBE = 0.4
_RUNS = 4096
_MOST_SAMPLES = 48
_FEWEST_SAMPLES = 4

Change = tuple[dict[str, Floats], dict[str, Floats]]


def measure_costs(
    source: Path,
    weights: Sequence[Weight],
    seen: Seen,
    samples: Sequence[Sample],
    *,
    outputs: Sequence[str],
) -> dict[str, float]:
    """The cost of each weight: the relative squared error of the outputs per squared step."""
    promoted = Promoted(source, [weight.name for weight in weights], outputs)
    chosen = _spread(samples, _RUNS // max(len(weights), 1))
    expected = list(in_order(lambda sample: promoted.run(sample, {}, {}), chosen))
    steps = {weight.name: probe_step(weight) for weight in weights}
    grids = make_grids(weights, steps, seen)

    def trials() -> Iterator[tuple[Outputs, Sample, Change]]:
        for weight in weights:
            change = _change(weight, grids[weight.name])
            yield from ((wanted, sample, change) for wanted, sample in pairs)

    def error(trial: tuple[Outputs, Sample, Change]) -> float:
        wanted, sample, change = trial
        return relative_error(wanted, promoted.run(sample, *change))

    pairs = list(zip(expected, chosen, strict=True))
    errors = np.reshape(list(in_order(error, trials())), (len(weights), len(chosen)))
    return {
        weight.name: float(np.mean(of_weight)) / steps[weight.name] ** 2
        for weight, of_weight in zip(weights, errors, strict=True)
    }


def probe_step(weight: Weight) -> float:
    """The step at which the weight's cost is measured."""
    deviation = float(np.std(weight.array(), dtype=np.float64))
    return PROBE * deviation if deviation > 0 else 1.0


def _change(weight: Weight, grid: Grid) -> Change:
    """The weight as its grid has it, and what is to be added to its outputs, both by its name."""
    changed = {weight.name: np.ascontiguousarray(grid.floats(weight.axis))}
    return changed, {weight.name: grid.correction} if grid.correction.size else {}


def relative_error(expected: Outputs, found: Outputs) -> float:
    """The squared error of each output over its squared length, on average."""
    shares = []
    for name, wanted in expected.items():
        lengths = _squared(np.asarray(wanted, np.float32))
        error = _squared(np.subtract(wanted, found[name], dtype=np.float32))
        shares.append(error / lengths if lengths else error)
    return float(np.mean(shares))


def _squared(array: Floats) -> float:
    return float(np.square(array, dtype=np.float64).sum())


def _spread(samples: Sequence[Sample], most: int) -> list[Sample]:
    count = min(len(samples), max(_FEWEST_SAMPLES, min(most, _MOST_SAMPLES)))
    return [samples[number * len(samples) // count] for number in range(count)]
