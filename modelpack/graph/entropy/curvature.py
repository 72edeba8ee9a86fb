"""What the outputs make of an error in a product's weight: which inputs and which outputs of it matter, and which together.

For one sample, an error dW moves a projection of the model's outputs by ⟨dW, XᵀG⟩, X the inputs and G the gradient at
the outputs of the product. The square of that, over samples, is taken apart into a metric over inputs, Σ Xᵀ(GGᵀ)X, and
one over outputs, Σ Gᵀ(XXᵀ)G (as Kronecker factors of the Fisher matrix, after Gupta et al., 2018, arXiv:1802.09568).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.entropy.backward import Tape
from modelpack.graph.entropy.moments import BLOCK_INPUTS, Doubles, Moments
from modelpack.graph.entropy.patches import all_patches
from modelpack.graph.entropy.strengths import divisors_of
from modelpack.graph.entropy.taps import Tap
from modelpack.graph.golden.samples import Sample
from modelpack.graph.recipes.known import known
from modelpack.graph.sessions import Array

# Random projections of the outputs. Few of them leave the metrics noisy: MiniLM takes 8.32 MB at an equal error on the
# tune samples with 300, 8.22 with 613, 8.11 with 1226 and 8.04 with 2452, which cost 60, 85, 125 and 205 s of one core.
_MOST_PROJECTIONS = 1800
_MOST_OF_ONE_SAMPLE = 4
# Fewer samples than that, each seen several times, are learned by heart: magika's filter, with four projections of 230, came
# out nearer to the model on those and twice as far on others.
_ENOUGH_SAMPLES = 300
_BUFFER_ROWS = (
    1024  # tokens that are multiplied at once: sums into large matrices cost more than products
)

Rows = NDArray[np.float32]


class Curvature(Struct, frozen=True):
    """The metrics of one weight: float64 [inputs, inputs] ([0, 0] for rows that are looked up) and [outputs, outputs].

    `activations` is the relative squared error of the model's outputs when this product's inputs are rounded to 8 bits
    at run time, `evened` that when strong ones are divided first (see `strengths`); 0 for what is no product.
    """

    inputs: Doubles
    outputs: Doubles
    activations: float = 0.0
    evened: float = 0.0


class Site(Struct, frozen=True):
    """A product, filter or look-up: its tap, the value that it gives, and how many numbers that has per row."""

    tap: Tap
    result: str
    outputs: int
    matrix: Rows | None = None  # of a product: float32 [inputs, outputs]


class _OfRows(Struct, frozen=True):
    """What one sample adds at a product or look-up, by all its projections.

    inputs: X [rows, inputs], and GGᵀX, summed over projections. gradient: the G of all, one below the other, and XXᵀG.
    `moved` is what rounding the inputs to 8 bits does to each projection, as they are and evened: empty where nothing would round them.
    """

    inputs: Rows
    among_inputs: Rows
    gradient: Rows
    among_outputs: Rows
    moved: tuple[tuple[float, float], ...]


class _OfPatches(Struct, frozen=True):
    """What one sample adds at a filter, which sees more patches than it has inputs: XᵀG [inputs, outputs] of each projection."""

    products: tuple[Rows, ...]


class _Sum:
    """Σ leftᵀ right over samples."""

    def __init__(self, size: int) -> None:
        self._total = np.zeros((size, size))
        self._waiting: list[tuple[Rows, Rows]] = []

    def add(self, left: Rows, right: Rows) -> None:
        """Adds [rows, size] twice."""
        self._waiting.append((left, right))
        if sum(len(each) for each, _ in self._waiting) >= _BUFFER_ROWS:
            self.total()

    def total(self) -> Doubles:
        """The sum so far, [size, size]."""
        if self._waiting:
            left, right = (np.concatenate(arrays) for arrays in zip(*self._waiting, strict=True))
            self._total += left.T @ right
            self._waiting = []
        return self._total


class _Sums:
    def __init__(self, site: Site) -> None:
        self._inputs, self._outputs = _Sum(_inputs_of(site)), _Sum(site.outputs)
        self._rounding, self._projections = np.zeros(2), 0

    def add(self, found: _OfRows | _OfPatches) -> None:
        """Adds one sample."""
        if isinstance(found, _OfPatches):
            for product in found.products:
                self._inputs.add(product.T, product.T)
                self._outputs.add(product, product)
            return
        for moved in found.moved:
            self._rounding += np.square(moved)
            self._projections += 1
        self._inputs.add(found.inputs, found.among_inputs)
        self._outputs.add(found.gradient, found.among_outputs)

    def curvature(self) -> Curvature:
        """What was summed."""
        activations, evened = (float(each) / max(self._projections, 1) for each in self._rounding)
        return Curvature(self._inputs.total(), self._outputs.total(), activations, evened)


def measure_curvature(
    source: Path,
    sites: Sequence[Site],
    moments: Mapping[str, Moments],
    samples: Sequence[Sample],
    *,
    outputs: Sequence[str],
) -> dict[str, Curvature]:
    """The curvature of each weight whose gradient is known, by its name."""
    small = [site for site in sites if max(_inputs_of(site), site.outputs) <= BLOCK_INPUTS]
    tape = Tape(source, [site.result for site in small], outputs)
    reached = [site for site in small if site.result in tape.reached]
    if not reached:
        return {}
    sums = {site.tap.weight: _Sums(site) for site in reached}
    taken = [site.tap.value for site in reached]
    filters = any(site.tap.patches is not None for site in reached)

    def take(
        values: dict[str, Array], gradients: Sequence[dict[str, Rows]]
    ) -> dict[str, _OfRows | _OfPatches]:
        return {
            site.tap.weight: _found(
                site, values, moments[site.tap.weight], [each[site.result] for each in gradients]
            )
            for site in reached
            if site.result in gradients[0]
        }

    for found in tape.run(projected(samples, filters=filters), taken, take):
        for name, part in found.items():
            sums[name].add(part)
    return {name: each.curvature() for name, each in sums.items()}


def projected(samples: Sequence[Sample], *, filters: bool) -> list[Sample]:
    """The samples once for each projection of their outputs, in order: several times where there are enough of them.

    `filters`: there is a filter, whose gradients cost ten times those of products.
    """
    if filters or len(samples) < _ENOUGH_SAMPLES:
        count = min(len(samples), _ENOUGH_SAMPLES)
    else:
        count = min(_MOST_OF_ONE_SAMPLE * len(samples), _MOST_PROJECTIONS)
    return [samples[number * len(samples) // count] for number in range(count)]


def _found(
    site: Site, values: Mapping[str, Array], moments: Moments, gradients: Sequence[Rows]
) -> _OfRows | _OfPatches:
    if site.tap.patches is not None:
        return _OfPatches(tuple(_of_patches(site, values, moments, gradients)))
    inputs = _rows(site, values, moments)
    flat = [gradient.reshape(-1, site.outputs) for gradient in gradients]
    moved = () if site.matrix is None else tuple(_moved(site, values, moments.largest, flat))
    alike = inputs @ inputs.T
    # One-hot inputs have a metric of their own: counts.
    taken = inputs[:, :0] if site.tap.kind == "rows" else inputs
    together = np.sum([each @ each.T for each in flat], axis=0)
    return _OfRows(
        taken,
        together @ taken,
        np.concatenate(flat),
        np.concatenate([alike @ each for each in flat]),
        moved,
    )


def _inputs_of(site: Site) -> int:
    return 0 if site.tap.kind == "rows" else site.tap.size


def _rows(site: Site, values: Mapping[str, Array], moments: Moments) -> Rows:
    """The inputs of one sample, without their mean; for look-ups, one-hot among the rows that the sample asks for."""
    if site.tap.kind == "rows":
        ids = np.asarray(values[site.tap.value], np.int64).reshape(-1)
        return np.asarray(ids[:, None] == np.unique(ids)[None], np.float32)
    inputs = np.asarray(values[site.tap.value], np.float32).reshape(-1, site.tap.size)
    return inputs - moments.mean.astype(np.float32)


def _of_patches(
    site: Site, values: Mapping[str, Array], moments: Moments, gradients: Sequence[Rows]
) -> list[Rows]:
    """XᵀG over all patches of one sample, without their mean, for each gradient: [inputs, outputs]."""
    patches = known(site.tap.patches, "a filter's patches")
    given = [np.moveaxis(gradient, 1, -1).reshape(-1, site.outputs) for gradient in gradients]
    mean = moments.mean.astype(np.float32)[0]
    totals = [np.zeros((site.tap.size, site.outputs), np.float32) for _ in gradients]
    for at, rows in all_patches(np.asarray(values[site.tap.value], np.float32), patches):
        centred = (rows[0] - mean).T
        for total, each in zip(totals, given, strict=True):
            np.add(total, centred @ each[at], out=total)
    return totals


def _moved(
    site: Site, values: Mapping[str, Array], largest: Rows, gradients: Sequence[Rows]
) -> Iterator[tuple[float, float]]:
    """How far each projection moves when the product's inputs are rounded at run time: as they are, and evened."""
    inputs = np.asarray(values[site.tap.value], np.float32).reshape(-1, site.tap.size)
    matrix = known(site.matrix, "a product's weight")
    divisors = divisors_of(largest)
    plain, evened = _lost(inputs) @ matrix, (_lost(inputs / divisors) * divisors) @ matrix
    for gradient in gradients:
        yield float(np.sum(plain * gradient)), float(np.sum(evened * gradient))


def _lost(inputs: Rows) -> Rows:
    """What DynamicQuantizeLinear adds to each number."""
    low, high = min(float(inputs.min()), 0.0), max(float(inputs.max()), 0.0)
    step = np.float32((high - low) / 255 or 1.0)
    return np.asarray(np.rint(inputs / step) * step - inputs, np.float32)
