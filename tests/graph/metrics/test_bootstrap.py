from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.metrics.bootstrap import mean_interval, total_interval


def test_mean_interval_of_a_constant_is_that() -> None:
    assert mean_interval(np.full(20, 0.5)) == (0.5, 0.5)


def test_mean_interval_is_two_standard_errors_wide() -> None:
    # 400 figures of deviation 1: the mean has a standard error of 0.05, 95 % lie within 1.96 of them.
    figures = np.random.default_rng(3).standard_normal(400)
    low, high = mean_interval(figures)
    assert high - low == pytest.approx(4 * 0.049, rel=0.15)
    assert low < figures.mean() < high


def test_mean_interval_repeats() -> None:
    figures = np.arange(50, dtype=np.float64)
    assert mean_interval(figures) == mean_interval(figures)


def test_total_interval_of_a_mean_is_that_of_the_mean() -> None:
    figures = np.arange(50, dtype=np.float64)
    total = total_interval([np.array([one]) for one in figures], lambda some: float(np.mean(some)))
    assert total == pytest.approx(mean_interval(figures))


def test_mean_interval_of_one_sample_is_that_sample() -> None:
    assert mean_interval(np.array([0.25])) == (0.25, 0.25)
