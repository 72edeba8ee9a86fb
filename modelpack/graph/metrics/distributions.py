"""Outputs of classifiers as logarithms of probabilities, whatever the graph ends with."""

from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.case import Floats

_SUM_TOLERANCE = 1e-3  # half precision sums 1000 classes to within this
_LEAST = 1e-12  # a probability of zero is unlikely, not impossible: one rounding must not make a divergence infinite


def are_probabilities(rows: Floats) -> bool:
    """Whether every row [positions, classes] is a distribution already: nothing negative, and a sum of 1.

    A single class is the probability of one of two, and is between 0 and 1.
    """
    if rows.shape[-1] == 1:
        return bool(((rows >= 0) & (rows <= 1)).all())
    return bool((rows >= 0).all() and (np.abs(rows.sum(axis=-1) - 1) < _SUM_TOLERANCE).all())


def log_probabilities(rows: Floats, *, is_distribution: bool) -> Floats:
    """Log p of each class: of the rows as they are, or of their softmax; a single class is given its opposite."""
    if rows.shape[-1] == 1:
        rows = np.concatenate([rows, 1 - rows if is_distribution else np.zeros_like(rows)], axis=-1)
    if is_distribution:
        kept = np.maximum(rows, _LEAST)
        return np.asarray(np.log(kept / kept.sum(axis=-1, keepdims=True)))
    shifted = rows - rows.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
