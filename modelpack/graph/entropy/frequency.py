"""How often rows of a table are looked up, and what step each deserves for it.

High-rate theory: bits are best spent where a row's step squared times its frequency is the same everywhere. Frequencies
are smoothed over rows that lie together: vocabularies are ordered by frequency, and a table that is not comes out flat.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.recipes.weights import Floats

_BINS = 16
# Rows that samples never showed may still be asked for: no row gets a step more than twice the usual one.
_WIDEST = 2.0
_STEPS_PER_OCTAVE = 4  # few distinct steps, which compress to nothing


def row_factors(counts: NDArray[np.int64]) -> Floats:
    """The step of each row as a multiple of the table's, float32 [rows]; their geometric mean is about 1."""
    rows = len(counts)
    if not counts.sum():
        return np.ones(rows, np.float32)
    shares = _smoothed(counts)
    factors = shares**-0.5
    logs = np.log2(factors) - np.log2(factors).mean()
    logs = np.clip(logs, -np.log2(_WIDEST), np.log2(_WIDEST))
    quarters = np.rint(logs * _STEPS_PER_OCTAVE) / _STEPS_PER_OCTAVE
    return np.asarray(np.exp2(quarters), np.float32)


def _smoothed(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts averaged over bins of rows that grow geometrically, each with at least one count."""
    edges = np.unique(np.geomspace(1, len(counts) + 1, _BINS + 1).astype(np.int64)) - 1
    smoothed = np.empty(len(counts))
    for start, end in pairwise(edges.tolist()):
        smoothed[start:end] = (counts[start:end].sum() + 1) / (end - start)
    return smoothed
