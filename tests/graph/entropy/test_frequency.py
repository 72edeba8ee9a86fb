from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.entropy.frequency import row_factors


def alike(rows: int) -> NDArray[np.float32]:
    """The lengths of rows that are all as long."""
    return np.ones(rows, np.float32)


def test_row_factors_rare_rows_get_wider_steps_but_not_by_more_than_half_an_octave() -> None:
    counts = (10_000 / np.arange(1, 2001)).astype(np.int64)
    factors = row_factors(counts, alike(2000))
    assert np.log2(factors[0]) == -0.5
    assert factors[-1] > factors[500] > factors[5]
    assert np.log2(factors.max()) == 0.5


def test_row_factors_short_rows_get_finer_steps() -> None:
    lengths = np.array([1, 1, 1, 1, 1, 1, 0.8, 0.4, 0.2, 0.001, 0], np.float32)
    found = np.log2(row_factors(np.zeros(11, np.int64), lengths))
    assert found.tolist() == [0, 0, 0, 0, 0, 0, 0, -1, -2, -3, 0]


def test_row_factors_of_rows_used_alike_are_one() -> None:
    assert row_factors(np.full(500, 1000), alike(500)).tolist() == [1] * 500


def test_row_factors_without_any_look_up_are_one() -> None:
    assert row_factors(np.zeros(3, np.int64), alike(3)).tolist() == [1, 1, 1]
