"""Signal to quantisation noise ratio."""

from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.case import Case, Floats, flat

# 20 log10(2^24), what rounding to float32 leaves: equal outputs would be infinitely good, and a mean over them says nothing.
LIMIT_DB = 144.5


def sqnr(case: Case) -> float:
    """The mean over outputs of 10 log10(Σ e² / Σ (e - f)²), in decibels, each at most 144.5 and at least -144.5."""
    pairs = [(flat(case.expected[name]), flat(case.found[name])) for name in case.expected]
    return float(np.mean([_decibels(*pair) for pair in pairs]))


def _decibels(expected: Floats, found: Floats) -> float:
    # Scaled first, so that squares stay inside float64.
    scale = max(np.abs(expected).max(initial=0.0), np.abs(found).max(initial=0.0))
    if not scale:
        return LIMIT_DB
    signal = np.square(expected / scale).sum()
    noise = np.square((expected - found) / scale).sum()
    if not noise or not signal:
        return -LIMIT_DB if noise else LIMIT_DB
    return float(np.clip(10 * np.log10(signal / noise), -LIMIT_DB, LIMIT_DB))
