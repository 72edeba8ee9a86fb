"""What metrics see of one sample, made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelpack.graph.metrics.case import Case


def case(
    expected: ArrayLike, found: ArrayLike, label: ArrayLike | None = None, **feeds: ArrayLike
) -> Case:
    """A case with one output `y`."""
    return outputs({"y": expected}, {"y": found}, label, **feeds)


def outputs(
    expected: Mapping[str, ArrayLike],
    found: Mapping[str, ArrayLike],
    label: ArrayLike | None = None,
    **feeds: ArrayLike,
) -> Case:
    """A case with these outputs."""
    return Case(
        _arrays(expected),
        _arrays(found),
        _arrays(feeds),
        None if label is None else np.asarray(label, np.int64),
    )


def _arrays(given: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.generic]]:
    return {name: np.asarray(array) for name, array in given.items()}
