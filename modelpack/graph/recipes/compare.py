"""Whether a rewritten model still computes what the original computes, on inputs made up for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from modelpack.graph.sessions import Array, open_session, run_session

_SMALLEST_SCALE = 1e-6  # below it an output counts as zero, and rounding errors as no errors


def largest_error(reference: Path, model: Path, feeds: Sequence[Mapping[str, Array]]) -> float:
    """The largest difference of any output from the reference, as a share of that output's largest magnitude.

    Infinity where the model gives another shape, or something that is not finite where the reference is.

    Raises: onnxruntime's own errors, if a session cannot be made or run.
    """
    original, rewritten = open_session(reference), open_session(model)
    worst = 0.0
    for feed in feeds:
        expected, found = run_session(original, feed), run_session(rewritten, feed)
        for name, wanted in expected.items():
            worst = max(worst, _error(wanted, found[name]))
    return worst


def _error(expected: Array, found: Array) -> float:
    if expected.shape != found.shape:
        return float("inf")
    finite = np.isfinite(expected)
    wanted, given = expected[finite].astype(np.float64), found[finite].astype(np.float64)
    if not np.isfinite(given).all():
        return float("inf")
    largest = float(np.abs(wanted).max(initial=_SMALLEST_SCALE))
    return float(np.abs(wanted - given).max(initial=0.0)) / largest
