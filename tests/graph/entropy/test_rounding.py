from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.entropy.rounding import Factor, feedback_factor, nearest, round_stack
from tests.support.recipes import floats
from tests.support.shaped import correlated


def test_nearest_numbers_become_the_nearest_integers() -> None:
    numbers = np.array([0.4, 0.56, 1.4, -1.6, 300, -300], np.float32)
    assert nearest(numbers).tolist() == [0, 1, 1, -2, 127, -127]


@pytest.mark.parametrize(("number", "integer"), [(0.549, 0), (0.551, 1), (-0.549, 0), (-0.551, -1)])
def test_nearest_dead_zone_ends_a_little_above_a_half(number: float, integer: int) -> None:
    assert nearest(np.array([number], np.float32)).tolist() == [integer]


def test_round_stack_without_moments_rounds_each_number() -> None:
    weights = np.array([[[0.9, -2.1], [0.2, 0.0]]], np.float32)
    rounded = round_stack(weights, 0.5, None)
    assert rounded.integers.tolist() == [[[2, -4], [0, 0]]]
    assert rounded.steps.tolist() == [[0.5, 0.5]]


def test_round_stack_outliers_widen_the_step_of_their_output_alone() -> None:
    weights = np.array([[[1000.0, 1.0]]], np.float32)
    rounded = round_stack(weights, 1.0, None)
    assert rounded.steps.tolist() == [[10.0, 1.0]]
    assert rounded.integers.tolist() == [[[100, 1]]]


def test_round_stack_independent_inputs_round_plainly() -> None:
    weights = floats(0, 1, 16, 8)
    fed_back = round_stack(weights, 0.3, (feedback_factor(np.eye(16)[None]),))
    assert np.array_equal(fed_back.integers, round_stack(weights, 0.3, None).integers)


def test_round_stack_inputs_that_move_together_lose_less() -> None:
    inputs = correlated(0, 400, 32)
    inputs -= inputs.mean(axis=0)
    weights = floats(1, 1, 32, 24)
    moments = (inputs.T @ inputs).astype(np.float64)[None] / len(inputs)

    def error(factors: tuple[Factor, ...] | None) -> float:
        lost = weights[0] - round_stack(weights, 0.5, factors).floats()[0]
        return float(np.square(inputs @ lost).mean())

    # Measured 0.24: three quarters of the inputs follow from the others, and make up for them.
    assert error((feedback_factor(moments),)) < 0.4 * error(None)


def test_round_stack_blocks_cover_the_inputs_in_order() -> None:
    weights = floats(0, 1, 16, 8)
    moments = np.square(floats(1, 16)).astype(np.float64)
    blocks = (np.diag(moments[:10])[None], np.diag(moments[10:])[None])
    factors = tuple(map(feedback_factor, blocks))
    assert np.array_equal(
        round_stack(weights, 0.3, factors).integers, round_stack(weights, 0.3, None).integers
    )


def test_round_stack_inputs_that_are_always_zero_are_rounded_too() -> None:
    weights = floats(0, 1, 8, 4)
    rounded = round_stack(weights, 0.25, (feedback_factor(np.zeros((1, 8, 8))),))
    assert np.array_equal(rounded.integers, round_stack(weights, 0.25, None).integers)


def test_round_stack_groups_are_rounded_apart() -> None:
    weights = floats(0, 2, 8, 4)
    root = floats(1, 2, 8, 8).astype(np.float64)
    moments = root @ root.transpose(0, 2, 1)
    together = round_stack(weights, 0.3, (feedback_factor(moments),)).integers
    apart = [
        round_stack(weights[i : i + 1], 0.3, (feedback_factor(moments[i : i + 1]),)).integers[0]
        for i in (0, 1)
    ]
    assert np.array_equal(together, np.stack(apart))
