from __future__ import annotations

import numpy as np

from modelpack.graph.entropy.moments import BLOCK_INPUTS, Summed
from modelpack.graph.entropy.patches import PATCHES_PER_SAMPLE
from modelpack.graph.entropy.taps import Patches, Tap
from tests.support.recipes import floats

RANDOM = np.random.default_rng(0)


def test_moments_of_a_product_are_the_covariance() -> None:
    values = floats(0, 3, 50, 8) + 2
    summed = Summed(Tap("w", "x", "product", 8))
    for value in values:
        summed.add(value[None], RANDOM)
    found = summed.moments()
    rows = values.reshape(-1, 8).astype(np.float64)
    assert np.allclose(found.mean[0], rows.mean(axis=0))
    # Sums of float32 products: 1e-6 of squares of about 5.
    assert np.allclose(found.blocks[0][0], np.cov(rows.T, bias=True), atol=1e-5)


def test_moments_tell_how_far_the_inputs_of_a_product_reach() -> None:
    summed = Summed(Tap("w", "x", "product", 3))
    for row in ([1, -4, 0], [2, 3, 0]):
        summed.add(np.array([row], np.float32), RANDOM)
    assert summed.moments().largest.tolist() == [2, 4, 0]


def test_moments_of_many_inputs_lie_in_blocks() -> None:
    summed = Summed(Tap("w", "x", "product", BLOCK_INPUTS + 5))
    summed.add(np.ones((1, BLOCK_INPUTS + 5), np.float32), RANDOM)
    blocks = summed.moments().blocks
    assert [block.shape for block in blocks] == [(1, BLOCK_INPUTS, BLOCK_INPUTS), (1, 5, 5)]


def test_moments_of_look_ups_are_counts_from_either_end() -> None:
    summed = Summed(Tap("w", "ids", "rows", 4))
    summed.add(np.array([[0, 2, 2, -1]]), RANDOM)
    assert summed.moments().counts.tolist() == [1, 0, 2, 1]


def test_moments_of_patches_are_those_that_the_filter_sees() -> None:
    image = floats(0, 1, 2, 6, 5)
    patches = Patches((3, 2), (2, 1), (1, 1), (1, 0, 1, 1), 1)
    summed = Summed(Tap("w", "x", "patches", 12, patches))
    summed.add(image, RANDOM)
    padded = np.pad(image[0], [(0, 0), (1, 1), (0, 1)])
    seen = [
        padded[:, top : top + 3, left : left + 2].reshape(-1)
        for top in (0, 2, 4)
        for left in range(5)
    ]
    assert len(seen) < PATCHES_PER_SAMPLE
    assert np.allclose(summed.moments().mean[0], np.mean(seen, axis=0), atol=1e-6)


def test_moments_of_grouped_dilated_patches_are_apart() -> None:
    image = floats(0, 1, 4, 7, 7)
    summed = Summed(Tap("w", "x", "patches", 18, Patches((3, 3), (1, 1), (2, 2), (0,) * 4, 2)))
    summed.add(image, RANDOM)
    seen = [
        image[0, 2:, top : top + 5 : 2, left : left + 5 : 2].reshape(-1)
        for top in range(3)
        for left in range(3)
    ]
    assert np.allclose(summed.moments().mean[1], np.mean(seen, axis=0), atol=1e-6)


def test_moments_of_nothing_are_zero() -> None:
    found = Summed(Tap("w", "x", "product", 3)).moments()
    assert found.mean.tolist() == [[0, 0, 0]]
