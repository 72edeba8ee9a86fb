from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from modelpack.bench.packs import Feeds
from modelpack.bench.trial.distance import Far, far_outputs, relative_error
from modelpack.graph.sessions import Array

ONES = np.ones(10, np.float32)


def far(expected: Array, found: Array) -> list[Far]:
    return list(far_outputs(Feeds({}, ({"y": expected},)), Feeds({}, ({"y": found},))))


def test_outputs_that_differ_by_rounding_are_near() -> None:
    assert far(ONES, ONES * np.float32(1.01)) == []


def test_outputs_that_differ_by_a_fifth_are_far() -> None:
    assert far(ONES, ONES * np.float32(1.2)) == [Far("y", "differs by 20%")]


def test_outputs_that_are_not_finite_are_far_unless_they_are_so_natively() -> None:
    broken = np.where(np.arange(10) == 3, np.float32(np.nan), ONES)
    assert far(ONES, broken) == [Far("y", "is not finite")]
    assert far(broken, broken) == []


def test_outputs_with_other_dimensions_are_far() -> None:
    assert far(ONES, ONES.reshape(2, 5)) == [Far("y", "has 2 dimensions, natively 1")]


def test_outputs_of_another_size_are_not_compared() -> None:
    assert far(ONES, ONES[:4]) == []


def test_outputs_of_another_size_are_far_where_the_graph_states_it() -> None:
    expected, found = Feeds({}, ({"y": ONES},)), Feeds({}, ({"y": ONES[:4]},))
    assert list(far_outputs(expected, found, {"y": (0,)})) == [
        Far("y", "has the shape [4], natively [10]")
    ]


def test_missing_outputs_are_far() -> None:
    expected, found = Feeds({}, ({"y": ONES},)), Feeds({}, ({},))
    assert list(far_outputs(expected, found)) == [Far("y", "is missing")]


@pytest.mark.parametrize(
    ("changed", "found"), [(1, []), (2, [Far("y", "differs in 20% of its elements")])]
)
def test_integers_may_differ_in_a_tenth(changed: int, found: list[Far]) -> None:
    labels = np.arange(10, dtype=np.int64)
    assert far(labels, np.where(labels < changed, -1, labels)) == found


def test_outputs_that_are_far_at_several_steps_are_named_once() -> None:
    expected, found = ({"y": ONES}, {"y": ONES}), ({"y": ONES * 2}, {"y": ONES * 2})
    assert len(list(far_outputs(Feeds({}, expected), Feeds({}, found)))) == 1


@pytest.mark.parametrize(
    ("expected", "found", "error"),
    [([3.0, 4.0], [3.0, 4.5], 0.1), ([0.0, 0.0], [0.0, 0.0], 0.0), ([], [], 0.0)],
)
def test_relative_error_is_by_length(expected: ArrayLike, found: ArrayLike, error: float) -> None:
    assert relative_error(np.array(expected), np.array(found)) == pytest.approx(error)
