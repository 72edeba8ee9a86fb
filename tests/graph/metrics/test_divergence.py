from __future__ import annotations

import math

import numpy as np
import pytest

from modelpack.graph.metrics.divergence import kl_divergence
from tests.support.cases import case

# 0.5 ln(0.5/0.25) + 0.5 ln(0.5/0.75)
HALF_AGAINST_QUARTER = 0.14384103622589045


def test_kl_divergence_of_probabilities_takes_them_as_they_are() -> None:
    pair = case([[0.5, 0.5]], [[0.25, 0.75]])
    assert kl_divergence(pair) == pytest.approx(HALF_AGAINST_QUARTER)


def test_kl_divergence_of_logits_is_that_of_their_softmax() -> None:
    pair = case([[3.0, 3.0]], [[0.0, math.log(3)]])
    assert kl_divergence(pair) == pytest.approx(HALF_AGAINST_QUARTER)


def test_kl_divergence_of_one_class_has_its_opposite() -> None:
    assert kl_divergence(case([[0.5]], [[0.25]])) == pytest.approx(HALF_AGAINST_QUARTER)
    logit = case([[-0.0], [3.0]], [[-math.log(3)], [3.0]])
    assert kl_divergence(logit) == pytest.approx(HALF_AGAINST_QUARTER / 2)


def test_kl_divergence_is_the_mean_over_positions() -> None:
    pair = case([[[0.5, 0.5], [0.5, 0.5]]], [[[0.25, 0.75], [0.5, 0.5]]])
    assert kl_divergence(pair) == pytest.approx(HALF_AGAINST_QUARTER / 2)


def test_kl_divergence_same_is_zero() -> None:
    assert kl_divergence(case([[1.0, -2, 0.5]], [[1.0, -2, 0.5]])) == 0


def test_kl_divergence_probability_of_zero_stays_finite() -> None:
    assert kl_divergence(case([[1.0, 0.0]], [[0.0, 1.0]])) == pytest.approx(27.63, abs=0.01)


def test_kl_divergence_variant_that_leaves_the_unit_interval_is_clipped() -> None:
    assert kl_divergence(case([[1.0, 0.0]], [[1.01, -0.01]])) == pytest.approx(0, abs=1e-9)


def test_kl_divergence_large_logits_stay_finite() -> None:
    assert math.isfinite(kl_divergence(case([[1e4, 0.0]], [[0.0, 1e4]])))


def test_kl_divergence_empty_output_is_zero() -> None:
    assert kl_divergence(case(np.zeros((0, 3)), np.zeros((0, 3)))) == 0
