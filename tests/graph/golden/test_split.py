from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.golden.split import split_samples
from tests.support.golden_sets import numbered, positions, sample


def test_split_samples_follows_two_to_one_to_two() -> None:
    split = split_samples(numbered(1000))
    # 400, 200 and 400 are meant; three standard deviations of such a draw are 46 and 38.
    assert len(split.fit) == pytest.approx(400, abs=46)
    assert len(split.tune) == pytest.approx(200, abs=38)
    assert len(split.judge) == pytest.approx(400, abs=46)


def test_split_samples_parts_share_nothing_and_lose_nothing() -> None:
    split = split_samples(numbered(100))
    found = positions((*split.fit, *split.tune, *split.judge))
    assert sorted(found) == list(range(100))


def test_split_samples_order_does_not_matter() -> None:
    split, turned = split_samples(numbered(50)), split_samples(numbered(50)[::-1])
    assert positions(split.judge) == positions(turned.judge)
    assert positions(split.tune) == positions(turned.tune)


def test_split_samples_added_samples_move_none() -> None:
    fewer, more = split_samples(numbered(50)), split_samples(numbered(100))
    assert set(positions(fewer.judge)) <= set(positions(more.judge))
    assert set(positions(fewer.fit)) <= set(positions(more.fit))


def test_split_samples_single_one_judges() -> None:
    for one in numbered(20):
        split = split_samples([one])
        assert (split.fit, split.tune, split.judge) == ((), (), (one,))


@pytest.mark.parametrize("start", range(20))
def test_split_samples_two_leave_one_to_judge(start: int) -> None:
    split = split_samples(numbered(22)[start : start + 2])
    assert len(split.judge) >= 1


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("start", range(40))
def test_split_samples_from_three_on_tune_and_judge_have_some(start: int, count: int) -> None:
    split = split_samples(numbered(44)[start : start + count])
    assert split.tune
    assert split.judge
    assert len(split.fit) + len(split.tune) + len(split.judge) == count


def test_split_samples_equal_ones_count_once() -> None:
    twins = [sample(number, x=np.zeros(1)) for number in range(5)]
    split = split_samples(twins)
    assert positions(split.judge) == [0]
    assert (split.fit, split.tune) == ((), ())
