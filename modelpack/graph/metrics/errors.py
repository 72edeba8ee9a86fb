"""Absolute errors."""

from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.case import Case, Floats, flat


def max_abs_error(case: Case) -> float:
    """The largest |e - f| of any element of any output."""
    return max(float(error.max(initial=0.0)) for error in _errors(case))


def mean_abs_error(case: Case) -> float:
    """The mean over outputs of the mean |e - f| of their elements; an output without elements has no error."""
    return float(np.mean([error.mean() if error.size else 0.0 for error in _errors(case)]))


def _errors(case: Case) -> list[Floats]:
    return [np.abs(flat(case.expected[name]) - flat(case.found[name])) for name in case.expected]
