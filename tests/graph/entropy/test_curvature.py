from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.entropy.curvature import projected
from modelpack.graph.golden.samples import Sample


def rows_of(count: int) -> list[int]:
    samples = [Sample(row, {"x": np.zeros(1, np.float32)}) for row in range(count)]
    return [sample.position for sample in projected(samples)]


def test_projected_few_samples_come_four_times() -> None:
    assert rows_of(2) == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("count", [450, 613, 1800])
def test_projected_more_samples_share_what_there_is(count: int) -> None:
    rows = rows_of(count)
    assert len(rows) == 1800
    assert set(rows) == set(range(count))


def test_projected_too_many_samples_are_thinned_evenly() -> None:
    assert rows_of(3600) == list(range(0, 3600, 2))
