"""Whether a rewritten model still computes what the original computes, on inputs made up for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from modelpack.graph.probe import Feeds
from modelpack.graph.sessions import Array, open_session, run_session


def largest_error(reference: Path, model: Path, feeds: Sequence[Feeds]) -> float:
    """The largest difference of any output from the reference, as a share of that output's largest magnitude.

    Infinity where the model gives NaN, another shape, or anything that is not finite.

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
    if expected.shape != found.shape or not np.isfinite(found).all():
        return float("inf")
    if not expected.size:
        return 0.0
    wanted = np.asarray(expected, np.float64)
    scale = max(float(np.abs(wanted).max()), 1e-6)
    return float(np.abs(wanted - np.asarray(found, np.float64)).max()) / scale
