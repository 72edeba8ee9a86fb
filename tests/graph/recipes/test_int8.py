from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.recipes.int8 import along, round_channels


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
