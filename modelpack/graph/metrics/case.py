"""What a metric sees of one sample.

1. Outputs are those of the reference and of the variant, by name, in the same order, of the same shapes, finite numbers.
2. For a sample of several steps, each output has an axis more, the first: the steps.
3. All arithmetic of metrics is float64.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.errors import StepError
from modelpack.graph.sessions import Array

Outputs = Mapping[str, Array]
Floats = NDArray[np.float64]


class Case(Struct, frozen=True):
    """One sample: what the reference and the variant gave for it, what both were fed, and its label where there is one."""

    expected: Outputs
    found: Outputs
    feeds: Mapping[str, Array]
    label: Array | None = None


def flat(output: Array) -> Floats:
    """The output as one vector."""
    return np.asarray(output, np.float64).reshape(-1)


def classes_of(outputs: Outputs) -> Floats:
    """The first output as [positions, classes]; a scalar counts as one class."""
    output = np.atleast_1d(np.asarray(next(iter(outputs.values())), np.float64))
    return output.reshape(-1, output.shape[-1]) if output.size else output.reshape(0, 1)


def does_not_suit(metric: str, message: str) -> StepError:
    """The error of a metric that has nothing to measure here."""
    return StepError(
        "MP-E503",
        f"{metric}: {message}",
        where="golden.metrics",
        remedy="use another metric, or choose the outputs it needs with `outputs`",
    )
