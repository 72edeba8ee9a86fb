"""How near a variant is to its accuracy limits on a set of samples, as one number.

The *load* of a limit is the error found over the error allowed, with a margin for the samples being few: at most 1
where the limit holds. An error is what the variant's figure lacks of the one that the model itself would get. A variant's
load is its largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from modelpack.graph.metrics.case import Case, Floats
from modelpack.graph.metrics.table import MEASURES, Measure
from modelpack.spec.limits import Metric, Target

# One-sided 95 %: of twenty variants tuned to a limit, about one misses it on samples it has not seen.
_DEVIATIONS = 1.64
# Of the largest error seen no deviation is known; other samples show larger ones.
_LARGEST_MARGIN = 1.1


def loads_of(
    targets: Sequence[Target], cases: Sequence[Case]
) -> tuple[dict[str, float], dict[str, float]]:
    """The load of each limit, and the plain figure of each metric without any margin."""
    loads: dict[str, float] = {}
    figures: dict[str, float] = {}
    for target in targets:
        load, figures[target.metric] = _load(target, cases)
        loads[target.metric] = load if np.isfinite(load) else float("inf")
    return loads, figures


def _load(target: Target, cases: Sequence[Case]) -> tuple[float, float]:
    measure = MEASURES[target.metric]
    found = [measure.observe(case) for case in cases]
    figures = measure.figures(found)
    value = _total(measure, found, figures)
    if target.metric == "sqnr":  # decibels: the model itself has no noise at all
        low = value - _margin(figures)
        return float(10.0 ** ((target.threshold - low) / 10)), value
    own = [
        measure.observe(Case(case.expected, case.expected, case.feeds, case.label))
        for case in cases
    ]
    own_figures = measure.figures(own)
    best = _total(measure, own, own_figures)
    error = abs(best - value) if _is_worse(target.metric, value, best) else 0.0
    error = (
        error + _margin(figures - own_figures) if measure.has_interval else error * _LARGEST_MARGIN
    )
    allowed = best - target.threshold if measure.worst == "least" else target.threshold - best
    if allowed <= 0:
        return float("inf") if error > 0 or allowed < 0 else 0.0, value
    return error / allowed, value


def _total(measure: Measure, observed: Sequence[Floats], figures: Floats) -> float:
    return float(figures.mean()) if measure.total is None else measure.total(observed)


def _is_worse(metric: Metric, value: float, best: float) -> bool:
    return value < best if MEASURES[metric].worst == "least" else value > best


def _margin(figures: Floats) -> float:
    if len(figures) < 2:
        return 0.0
    return _DEVIATIONS * float(np.std(figures, ddof=1)) / sqrt(len(figures))
