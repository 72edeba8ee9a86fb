from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.metrics import cosine, max_abs_error, top1_agreement


def test_cosine_same_direction_is_one() -> None:
    assert cosine({"y": np.array([[1, 2]])}, {"y": np.array([[10, 20]])}) == pytest.approx(1)


def test_cosine_is_the_mean_over_outputs() -> None:
    expected = {"a": np.array([1, 0]), "b": np.array([1, 0])}
    found = {"a": np.array([1, 0]), "b": np.array([0, 3])}
    assert cosine(expected, found) == pytest.approx(0.5)


@pytest.mark.parametrize(("found", "value"), [([0, 0], 1), ([0, 1], 0)])
def test_cosine_zeros_are_like_zeros_only(found: list[int], value: float) -> None:
    assert cosine({"y": np.array([0, 0])}, {"y": np.array(found)}) == value


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_cosine_extreme_numbers_stay_finite(scale: float) -> None:
    expected, found = np.array([1.0, 1.0]) * scale, np.array([1.0, 0.0]) * scale
    assert cosine({"y": expected}, {"y": found}) == pytest.approx(0.5**0.5)


def test_max_abs_error_is_the_largest_of_all_outputs() -> None:
    expected = {"a": np.array([1.0, 2]), "b": np.array([[5]], np.int64)}
    found = {"a": np.array([1.5, 2]), "b": np.array([[2]], np.int64)}
    assert max_abs_error(expected, found) == 3


def test_max_abs_error_small_integers_do_not_wrap() -> None:
    assert max_abs_error({"y": np.array([0], np.uint8)}, {"y": np.array([255], np.uint8)}) == 255


def test_max_abs_error_empty_output_is_zero() -> None:
    assert max_abs_error({"y": np.zeros((0, 4))}, {"y": np.zeros((0, 4))}) == 0


def test_top1_agreement_counts_positions_of_the_first_output() -> None:
    expected = {"y": np.array([[[0, 1], [1, 0], [0, 1], [0, 1]]]), "z": np.array([1, 0])}
    found = {"y": np.array([[[0, 9], [2, 0], [5, 1], [0, 1]]]), "z": np.array([0, 1])}
    assert top1_agreement(expected, found) == 0.75


def test_top1_agreement_scalar_and_empty_outputs_agree() -> None:
    assert top1_agreement({"y": np.array(1.0)}, {"y": np.array(2.0)}) == 1
    assert top1_agreement({"y": np.zeros((0, 3))}, {"y": np.zeros((0, 3))}) == 1
