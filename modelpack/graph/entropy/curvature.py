"""What the outputs make of an error in a product's weight: which inputs and which outputs of it matter, and which together.

For one sample, an error dW moves a projection of the model's outputs by ⟨dW, XᵀG⟩, X the inputs and G the gradient at
the outputs of the product. The square of that, over samples, is taken apart into a metric over inputs, Σ Xᵀ(GGᵀ)X, and
one over outputs, Σ Gᵀ(XXᵀ)G (as Kronecker factors of the Fisher matrix, after Gupta et al., 2018, arXiv:1802.09568).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.entropy.backward import Tape
from modelpack.graph.entropy.moments import BLOCK_INPUTS, Doubles, Moments
from modelpack.graph.entropy.patches import all_patches
from modelpack.graph.entropy.taps import Tap
from modelpack.graph.golden.samples import Sample
from modelpack.graph.recipes.known import known
from modelpack.graph.sessions import Array

_MOST_SAMPLES = 300
_BUFFER_ROWS = (
    1024  # tokens that are multiplied at once: sums into large matrices cost more than products
)

Rows = NDArray[np.float32]


class Curvature(Struct, frozen=True):
    """The metrics of one weight: float64 [inputs, inputs] ([0, 0] for rows that are looked up) and [outputs, outputs].

    `activations` is the relative squared error of the model's outputs when this product's inputs are rounded to 8 bits
    at run time; 0 for what is no product.
    """

    inputs: Doubles
    outputs: Doubles
    activations: float = 0.0


class Site(Struct, frozen=True):
    """A product, filter or look-up: its tap, the value that it gives, and how many numbers that has per row."""

    tap: Tap
    result: str
    outputs: int
    matrix: Rows | None = None  # of a product: float32 [inputs, outputs]


class _Sums:
    def __init__(self, site: Site) -> None:
        self._is_rows = site.tap.kind == "rows"
        size = 0 if self._is_rows else site.tap.size
        self._inputs, self._outputs = np.zeros((size, size)), np.zeros((site.outputs,) * 2)
        self._pairs: list[tuple[Rows, Rows, Rows, Rows]] = []
        self._activations, self._samples = 0.0, 0
        self._rows = 0

    def add(self, inputs: Rows, gradient: Rows) -> None:
        """Adds one sample: inputs [rows, inputs], gradient [rows, outputs]."""
        among_outputs = (inputs @ inputs.T) @ gradient
        taken = (
            inputs[:, :0] if self._is_rows else inputs
        )  # one-hot inputs have a metric of their own: counts
        self._pairs.append((taken, (gradient @ gradient.T) @ taken, gradient, among_outputs))
        self._rows += len(inputs)
        if self._rows >= _BUFFER_ROWS:
            self._flush()

    def add_rounding(self, moved: float) -> None:
        """Adds what rounding one sample's inputs to 8 bits does to the projection."""
        self._activations += moved * moved
        self._samples += 1

    def add_product(self, product: Rows) -> None:
        """Adds one sample by XᵀG [inputs, outputs]: for filters, which see more patches than they have inputs."""
        self._inputs += product @ product.T
        self._outputs += product.T @ product

    def curvature(self) -> Curvature:
        """What was summed."""
        self._flush()
        return Curvature(self._inputs, self._outputs, self._activations / max(self._samples, 1))

    def _flush(self) -> None:
        if not self._pairs:
            return
        inputs, among_inputs, gradient, among_outputs = (
            np.concatenate(arrays) for arrays in zip(*self._pairs, strict=True)
        )
        self._inputs += inputs.T @ among_inputs
        self._outputs += gradient.T @ among_outputs
        self._pairs, self._rows = [], 0


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
    count = min(len(samples), _MOST_SAMPLES)
    chosen = [samples[number * len(samples) // count] for number in range(count)]
    taken = [site.tap.value for site in reached]
    for values, gradients in tape.run(chosen, taken):
        for site in reached:
            gradient = gradients.get(site.result)
            if gradient is None:
                continue
            if site.tap.patches is not None:
                product = _of_patches(site, values, moments[site.tap.weight], gradient)
                sums[site.tap.weight].add_product(product)
            else:
                inputs, flat = (
                    _rows(site, values, moments[site.tap.weight]),
                    gradient.reshape(-1, site.outputs),
                )
                sums[site.tap.weight].add(inputs, flat)
                if site.matrix is not None:
                    sums[site.tap.weight].add_rounding(_moved(site, values, flat))
    return {name: each.curvature() for name, each in sums.items()}


def _inputs_of(site: Site) -> int:
    return 0 if site.tap.kind == "rows" else site.tap.size


def _rows(site: Site, values: Mapping[str, Array], moments: Moments) -> Rows:
    """The inputs of one sample, without their mean; for look-ups, one-hot among the rows that the sample asks for."""
    if site.tap.kind == "rows":
        ids = np.asarray(values[site.tap.value], np.int64).reshape(-1)
        return np.asarray(ids[:, None] == np.unique(ids)[None], np.float32)
    inputs = np.asarray(values[site.tap.value], np.float32).reshape(-1, site.tap.size)
    return inputs - moments.mean.astype(np.float32)


def _of_patches(site: Site, values: Mapping[str, Array], moments: Moments, gradient: Rows) -> Rows:
    """XᵀG over all patches of one sample, without their mean: [inputs, outputs]."""
    patches = known(site.tap.patches, "a filter's patches")
    given = np.moveaxis(gradient, 1, -1).reshape(-1, site.outputs)
    mean = moments.mean.astype(np.float32)[0]
    total = np.zeros((site.tap.size, site.outputs), np.float32)
    for at, rows in all_patches(np.asarray(values[site.tap.value], np.float32), patches):
        total += (rows[0] - mean).T @ given[at]
    return total


def _moved(site: Site, values: Mapping[str, Array], gradient: Rows) -> float:
    """How far the projection moves when the product's inputs are rounded as DynamicQuantizeLinear does it."""
    inputs = np.asarray(values[site.tap.value], np.float32).reshape(-1, site.tap.size)
    low, high = min(float(inputs.min()), 0.0), max(float(inputs.max()), 0.0)
    step = np.float32((high - low) / 255 or 1.0)
    lost = np.rint(inputs / step) * step - inputs
    return float(np.sum((lost @ known(site.matrix, "a product's weight")) * gradient))
