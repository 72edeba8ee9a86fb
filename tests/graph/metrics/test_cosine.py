from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.metrics.cosine import cosine
from tests.support.cases import case, outputs


def test_cosine_same_direction_is_one() -> None:
    assert cosine(case([[1, 2]], [[10, 20]])) == pytest.approx(1)


def test_cosine_is_the_mean_over_outputs() -> None:
    found = outputs({"a": [1, 0], "b": [1, 0]}, {"a": [1, 0], "b": [0, 3]})
    assert cosine(found) == pytest.approx(0.5)


@pytest.mark.parametrize(("found", "value"), [([0, 0], 1), ([0, 1], 0)])
def test_cosine_zeros_are_like_zeros_only(found: list[int], value: float) -> None:
    assert cosine(case([0, 0], found)) == value


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_cosine_extreme_numbers_stay_finite(scale: float) -> None:
    pair = case(np.array([1.0, 1.0]) * scale, np.array([1.0, 0.0]) * scale)
    assert cosine(pair) == pytest.approx(0.5**0.5)
