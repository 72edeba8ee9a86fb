"""Confidence intervals by bootstrap (Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979): percentile, 95 %."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.metrics.case import Floats

_RESAMPLES = 1000  # the bounds of a mean then repeat to about a tenth of the interval between seeds
_FEWEST_RESAMPLES = 100
_MOST_PICKS = 10_000_000  # of samples, over all resamples; a second or two
_SEED = 0  # the same samples give the same bounds, everywhere
_PERCENTILES = (2.5, 97.5)


def mean_interval(figures: Floats) -> tuple[float, float]:
    """The interval of the mean of figures of samples."""
    return _bounds([float(figures[picked].mean()) for picked in _picks(len(figures))])


def total_interval(
    observed: Sequence[Floats], total: Callable[[Sequence[Floats]], float]
) -> tuple[float, float]:
    """The interval of any total over samples."""
    picks = _picks(len(observed))
    return _bounds([total([observed[index] for index in picked.tolist()]) for picked in picks])


def _picks(count: int) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(_SEED)
    resamples = max(_FEWEST_RESAMPLES, min(_RESAMPLES, _MOST_PICKS // count))
    return [random.integers(0, count, count) for _ in range(resamples)]


def _bounds(totals: list[float]) -> tuple[float, float]:
    low, high = np.percentile(totals, _PERCENTILES)
    return float(low), float(high)
