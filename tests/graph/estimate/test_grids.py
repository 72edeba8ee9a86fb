from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from modelpack.graph.estimate.grids import as_blocks, as_coarse, as_halves, as_int8
from modelpack.graph.recipes.weights import Weight, find_weights
from tests.support.onnx_models import mlp


@pytest.fixture
def weight() -> Weight:
    return find_weights(ir.serde.deserialize_model(mlp()), ()).weights[0]


def test_int8_restores_within_half_a_step_of_each_channel(weight: Weight) -> None:
    grid, array = as_int8(weight), weight.array()
    steps = np.abs(array).max(axis=1 - weight.axis, keepdims=True) / 127
    assert len(grid.symbols) == array.size
    assert grid.extra_bytes == 4 * array.shape[weight.axis]
    assert (np.abs(grid.restored - array) <= steps * 0.501).all()


def test_blocks_take_half_a_byte_a_number_and_a_scale_each(weight: Weight) -> None:
    grid, array = as_blocks(weight, 16, 4), weight.array()
    assert len(grid.symbols) == array.size // 2
    assert grid.extra_bytes == array.size // 16 * 4
    assert grid.restored.shape == array.shape
    # 16 levels over twice the largest number of a block, the largest positive one cut off by one level.
    assert np.abs(grid.restored - array).max() <= np.abs(array).max() / 7.9


def test_halves_restore_eleven_bits(weight: Weight) -> None:
    grid = as_halves(weight.array())
    assert len(grid.symbols) == 2 * weight.array().size
    assert np.allclose(grid.restored, weight.array(), rtol=2**-11, atol=1e-7)


def test_coarse_steps_follow_the_spread_and_stay_inside_8_bits(weight: Weight) -> None:
    array = weight.array()
    spread = float(np.sqrt(np.mean(array**2)))
    few, many = as_coarse(weight, 1.0), as_coarse(weight, 1e-4)
    assert len(np.unique(few.symbols)) < 12
    assert np.abs(few.restored - array).max() <= spread * 0.501
    assert np.abs(many.symbols.view(np.int8)).max() == 127
