"""Whether the highest classes are the same."""

from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.case import Case, classes_of

_FIVE = 5


def top1_agreement(case: Case) -> float:
    """The share of positions of the first output [..., classes] whose largest class is the same in both.

    A scalar counts as one class, and an output without elements agrees.
    """
    expected, found = classes_of(case.expected), classes_of(case.found)
    if not expected.size:
        return 1.0
    return float(np.mean(expected.argmax(axis=-1) == found.argmax(axis=-1)))


def top5_agreement(case: Case) -> float:
    """The share of positions of the first output whose largest class in the reference is among the variant's five largest.

    Of equal ones, the earlier class counts as larger, as `argmax` has it.
    """
    expected, found = classes_of(case.expected), classes_of(case.found)
    if not expected.size:
        return 1.0
    largest = expected.argmax(axis=-1)[:, None]
    five = np.argsort(-found, axis=-1, kind="stable")[:, :_FIVE]
    return float(np.mean((five == largest).any(axis=-1)))
