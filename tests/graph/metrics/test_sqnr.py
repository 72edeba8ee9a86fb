from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.metrics.sqnr import sqnr
from tests.support.cases import case, outputs


@pytest.mark.parametrize(
    ("found", "decibels"),
    [([9.0, 0], 20), ([9.9, 0], 40), ([10.0, 0], 144.5), ([20.0, 0], 0)],
)
def test_sqnr_is_in_decibels(found: list[float], decibels: float) -> None:
    assert sqnr(case([10.0, 0], found)) == pytest.approx(decibels)


def test_sqnr_noise_without_signal_is_the_worst() -> None:
    assert sqnr(case([0.0], [1.0])) == -144.5
    assert sqnr(case([0.0], [0.0])) == 144.5


def test_sqnr_is_the_mean_over_outputs() -> None:
    pair = outputs({"a": [10.0], "b": [10.0]}, {"a": [9.0], "b": [9.9]})
    assert sqnr(pair) == pytest.approx(30)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_sqnr_extreme_numbers_stay_finite(scale: float) -> None:
    assert sqnr(case(np.array([10.0]) * scale, np.array([9.0]) * scale)) == pytest.approx(20)
