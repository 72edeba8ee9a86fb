"""Whether two models are the same function, as far as a few generated inputs can tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from modelpack.graph.feeds import working_feeds
from modelpack.graph.sessions import Array, open_session, run_session

_SEEDS = range(3)
# Share of the largest value of an output. Fusing and folding reorder sums: single rounding errors (6e-8, 5e-4 in half
# precision) add up over thousands of terms. What quantising adds is a hundred times this, a wrong rewrite far more.
_TOLERANCES = {"float64": 1e-4, "float32": 1e-4, "float16": 2e-2}


def find_disagreement(before: Path, after: Path) -> str:
    """The first output that differs by more than rounding, as a phrase; empty where all agree.

    Raises: StepError MP-E403 if the model `before` runs on no generated input; onnxruntime's own errors for `after`.
    """
    reference, candidate = open_session(before), open_session(after)
    for feeds in working_feeds(reference, _SEEDS):
        expected, found = run_session(reference, feeds), run_session(candidate, feeds)
        if list(expected) != list(found):
            return f"outputs {', '.join(found)} instead of {', '.join(expected)}"
        for name, array in expected.items():
            if difference := _difference(array, found[name]):
                return f'output "{name}" {difference}'
    return ""


def _difference(expected: Array, found: Array) -> str:
    """How an array differs from the expected one; empty where it does not."""
    if (expected.dtype, expected.shape) != (found.dtype, found.shape):
        return f"is {found.dtype} {list(found.shape)} instead of {expected.dtype} {list(expected.shape)}"
    tolerance = _TOLERANCES.get(str(expected.dtype))
    if tolerance is None:
        return "" if np.array_equal(expected, found) else "differs"
    wide, narrow = expected.astype(np.float64), found.astype(np.float64)
    finite = np.isfinite(wide)
    odd, found_odd = np.where(finite, 0, wide), np.where(np.isfinite(narrow), 0, narrow)
    if not np.array_equal(odd, found_odd, equal_nan=True):
        return "is finite in other places"
    allowed = tolerance * float(np.abs(wide[finite]).max(initial=0.0))
    largest = float(np.abs(wide[finite] - narrow[finite]).max(initial=0.0))
    return "" if largest <= allowed else f"differs by {largest:.2g}, more than {allowed:.2g}"
