from __future__ import annotations

import numpy as np

from modelpack.graph.entropy.frequency import row_factors


def test_row_factors_rare_rows_get_wider_steps_but_not_more_than_twice() -> None:
    counts = (10_000 / np.arange(1, 2001)).astype(np.int64)
    factors = row_factors(counts)
    assert factors[0] == 0.5
    assert factors[-1] > factors[500] > factors[5]
    assert factors.max() <= 2


def test_row_factors_of_rows_used_alike_are_one() -> None:
    assert row_factors(np.full(500, 1000)).tolist() == [1] * 500


def test_row_factors_without_any_look_up_are_one() -> None:
    assert row_factors(np.zeros(3, np.int64)).tolist() == [1, 1, 1]
