"""How far a variant's outputs are from the original's: one figure per sample and metric.

For one sample, E and F are the outputs of the original and of the variant, by name, each of any shape; all arithmetic
is float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.sessions import Array
from modelpack.spec import Metric

Outputs = Mapping[str, Array]


def cosine(expected: Outputs, found: Outputs) -> float:
    """The mean over outputs of e·f / (|e| |f|), each output flattened to one vector.

    Two vectors of zeros are alike (1); a vector of zeros and another are not (0).
    """
    return float(np.mean([_cosine(_flat(expected[name]), _flat(found[name])) for name in expected]))


def max_abs_error(expected: Outputs, found: Outputs) -> float:
    """The largest |e - f| of any element of any output."""
    errors = [np.abs(_flat(expected[name]) - _flat(found[name])) for name in expected]
    return max(float(error.max(initial=0.0)) for error in errors)


def top1_agreement(expected: Outputs, found: Outputs) -> float:
    """The share of positions of the first output [..., classes] whose largest class is the same in both.

    A scalar counts as one class, and an output without elements agrees.
    """
    name = next(iter(expected))
    positions = [_largest(outputs[name]) for outputs in (expected, found)]
    return float(np.mean(positions[0] == positions[1])) if positions[0].size else 1.0


METRICS: dict[Metric, Callable[[Outputs, Outputs], float]] = {
    "cosine": cosine,
    "max_abs_error": max_abs_error,
    "top1_agreement": top1_agreement,
}


def _cosine(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    # Scaled first: squares of large logits must not leave float64, nor those of small ones vanish.
    lengths = [np.abs(vector).max(initial=0.0) for vector in (expected, found)]
    if not all(lengths):
        return float(not any(lengths))
    left, right = expected / lengths[0], found / lengths[1]
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))


def _largest(output: Array) -> NDArray[np.intp]:
    classes = np.atleast_1d(output)
    if not classes.size:
        return np.zeros(0, np.intp)
    return np.asarray(classes.argmax(axis=-1))


def _flat(output: Array) -> NDArray[np.float64]:
    return np.asarray(output, np.float64).reshape(-1)
