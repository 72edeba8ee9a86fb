from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.entropy.rounding import nearest
from modelpack.graph.entropy.wavefront import round_in_waves
from modelpack.graph.recipes.weights import Floats
from tests.support.recipes import floats


def upper(seed: int, size: int) -> Floats:
    """Strictly upper and small: float32 [2, size, size]."""
    matrices = floats(seed, 2, size, size) / 16
    return np.asarray(np.triu(matrices, 1), np.float32)


def one_by_one(left: Floats, along: Floats, across: Floats) -> Floats:
    """The same rounding of one matrix, number after number."""
    left = left.copy()
    integers = np.zeros_like(left)
    for row in range(left.shape[0]):
        wanted = left[row].copy()
        for column in range(left.shape[1]):
            integers[row, column] = nearest(wanted[column : column + 1])[0]
            wanted[column + 1 :] -= across[column, column + 1 :] * (
                wanted[column] - integers[row, column]
            )
        left[row + 1 :] -= np.outer(along[row, row + 1 :], left[row] - integers[row])
    return integers


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 32), (33, 5), (7, 70), (64, 40)])
def test_round_in_waves_gives_the_integers_of_one_after_the_other(height: int, width: int) -> None:
    left, along, across = floats(0, 2, height, width) * 3, upper(1, height), upper(2, width)
    expected = [one_by_one(left[at], along[at], across[at]) for at in (0, 1)]
    assert np.array_equal(round_in_waves(left.copy(), along, across), np.stack(expected))


def test_round_in_waves_without_feedback_rounds_plainly() -> None:
    left = floats(0, 1, 40, 50) * 3
    nothing = (np.zeros((1, 40, 40), np.float32), np.zeros((1, 50, 50), np.float32))
    assert np.array_equal(round_in_waves(left.copy(), *nothing), nearest(left))
