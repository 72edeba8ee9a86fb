from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.entropy.strengths import divisors_of

HALF_OCTAVE = 2**-0.5


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        ([16, 4, 1], [1, 0.5, 0.25]),
        ([1, 0.6, 0.3], [1, HALF_OCTAVE, 0.5]),
        ([8, 0], [1, 2**-6]),
        ([0, 0], [1, 1]),
        ([1, np.inf], [1, 1]),
        ([], []),
    ],
    ids=["half-the-octaves", "nearest-half-octave", "never-seen", "all-zero", "not-finite", "none"],
)
def test_divisors_take_half_of_the_difference_in_reach(
    largest: list[float], expected: list[float]
) -> None:
    found = divisors_of(np.array(largest, np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx(expected)
