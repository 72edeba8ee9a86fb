from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.entropy.curvature import projected
from modelpack.graph.golden.samples import Sample


def positions(count: int, *, filters: bool = False) -> list[int]:
    """Which of `count` samples are projected, in order."""
    samples = [Sample(position, {"x": np.zeros(1, np.float32)}) for position in range(count)]
    return [sample.position for sample in projected(samples, filters=filters)]


def test_projected_few_samples_come_once() -> None:
    assert positions(299) == list(range(299))


def test_projected_enough_samples_come_four_times() -> None:
    assert positions(300) == [position for position in range(300) for _ in range(4)]


@pytest.mark.parametrize("count", [450, 613, 1800])
def test_projected_many_samples_share_1800_projections(count: int) -> None:
    found = positions(count)
    assert len(found) == 1800
    assert set(found) == set(range(count))


def test_projected_too_many_samples_are_thinned_evenly() -> None:
    assert positions(3600) == list(range(0, 3600, 2))


def test_projected_filters_are_seen_300_times_at_most() -> None:
    assert positions(230, filters=True) == list(range(230))
    assert positions(600, filters=True) == list(range(0, 600, 2))
