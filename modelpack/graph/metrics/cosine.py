"""Cosine similarity."""

from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.case import Case, Floats, flat


def cosine(case: Case) -> float:
    """The mean over outputs of e·f / (|e| |f|), each output flattened to one vector.

    Two vectors of zeros are alike (1); a vector of zeros and another are not (0).
    """
    pairs = [(flat(case.expected[name]), flat(case.found[name])) for name in case.expected]
    return float(np.mean([cosine_of(*pair) for pair in pairs]))


def cosine_of(expected: Floats, found: Floats) -> float:
    """The cosine of two vectors."""
    # Scaled first: squares of large logits must not leave float64, nor those of small ones vanish.
    lengths = [np.abs(vector).max(initial=0.0) for vector in (expected, found)]
    if not all(lengths):
        return float(not any(lengths))
    left, right = expected / lengths[0], found / lengths[1]
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))
