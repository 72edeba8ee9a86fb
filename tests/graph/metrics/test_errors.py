from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.errors import max_abs_error, mean_abs_error
from tests.support.cases import case, outputs


def test_max_abs_error_is_the_largest_of_all_outputs() -> None:
    pair = outputs({"a": [1.0, 2], "b": [[5]]}, {"a": [1.5, 2], "b": [[2]]})
    assert max_abs_error(pair) == 3


def test_max_abs_error_small_integers_do_not_wrap() -> None:
    assert max_abs_error(case(np.array([0], np.uint8), np.array([255], np.uint8))) == 255


def test_max_abs_error_empty_output_is_zero() -> None:
    assert max_abs_error(case(np.zeros((0, 4)), np.zeros((0, 4)))) == 0


def test_mean_abs_error_weighs_outputs_equally() -> None:
    pair = outputs({"a": [0.0, 0, 0, 0], "b": [0.0]}, {"a": [1.0, -1, 1, 1], "b": [3.0]})
    assert mean_abs_error(pair) == 2


def test_mean_abs_error_empty_output_is_zero() -> None:
    assert mean_abs_error(case(np.zeros((0, 4)), np.zeros((0, 4)))) == 0
