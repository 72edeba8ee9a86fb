from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.recipes.int8 import Rounding, along, round_channels, round_unsigned


def test_round_channels_each_channel_reaches_127() -> None:
    weight = np.array([[0.5, -1.0], [0.02, 0.0099]], np.float32)
    integers, steps = round_channels(weight, 0)
    assert integers.tolist() == [[64, -127], [127, 63]]
    assert steps == pytest.approx([1 / 127, 0.02 / 127])


def test_round_channels_second_axis_counts_columns() -> None:
    integers, steps = round_channels(np.array([[0.5, -1.0], [0.25, 4.0]], np.float32), 1)
    assert integers.tolist() == [[127, -32], [64, 127]]
    assert steps.shape == (2,)


def test_round_channels_zeros_get_step_one() -> None:
    integers, steps = round_channels(np.zeros((1, 3), np.float32), 0)
    assert integers.tolist() == [[0, 0, 0]]
    assert steps.tolist() == [1.0]


def test_round_channels_error_is_half_a_step_at_most() -> None:
    weight = np.random.default_rng(0).standard_normal((4, 100)).astype(np.float32)
    integers, steps = round_channels(weight, 0)
    error = np.abs(integers * along(steps, 0, 2) - weight)
    # Half a step is what rounding gives; float32 arithmetic adds a hundred-thousandth of it.
    assert (error <= 0.50001 * along(steps, 0, 2)).all()


def test_along_axis_one_of_four_broadcasts_there() -> None:
    assert along(np.ones(5, np.float32), 1, 4).shape == (1, 5, 1, 1)


def test_round_unsigned_meets_zero_exactly() -> None:
    grid = round_unsigned(np.array([[-1.0, 0.0, 1.55], [0.0, 0.5, 2.55]], np.float32), 0)
    assert grid.steps.tolist() == [np.float32(0.01), np.float32(0.01)]
    assert grid.zeros is not None
    assert grid.zeros.tolist() == [100, 0]
    assert grid.integers.tolist() == [[0, 100, 255], [0, 50, 255]]
    assert grid.size_bytes == 6 + 2 * 4 + 2


def test_round_unsigned_zeros_get_step_one() -> None:
    grid = round_unsigned(np.zeros((1, 3), np.float32), 0)
    assert (grid.steps.tolist(), grid.integers.tolist()) == ([1.0], [[0, 0, 0]])


def test_rounding_of_all_gives_every_channel_the_same_step() -> None:
    weight = np.array([[1.27, 0.01], [0.3, -0.2]], np.float32)
    grid = Rounding(per_channel=False).grid(weight, 1)
    assert grid.integers.tolist() == [[127, 1], [30, -20]]
    assert grid.steps.tolist() == [np.float32(0.01), np.float32(0.01)]
    assert grid.zeros is None


def test_rounding_unsigned_of_all_gives_every_channel_the_same_zero() -> None:
    weight = np.array([[1.55, 0.5], [0.0, -1.0]], np.float32)
    grid = Rounding(signed=False, per_channel=False).grid(weight, 0)
    assert grid.zeros is not None
    assert grid.zeros.tolist() == [100, 100]
    assert grid.integers.tolist() == [[255, 150], [100, 0]]
