from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper
from onnxruntime.quantization.matmul_nbits_quantizer import (
    DefaultWeightOnlyQuantConfig,
    DefaultWeightOnlyQuantizer,
)

from modelpack.graph.recipes.blocks import Blocks, round_blocks
from modelpack.spec.variants import RecipeSettings
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import (
    floats,
    initializers,
    largest_error,
    narrowed,
    one_node,
    operators,
)

ASYMMETRIC = RecipeSettings(symmetric=False)
# A number is off by at most 1/16 of its block's largest; over a row they add up like a random walk.
TOLERANCE = 0.2


def test_round_blocks_meets_the_largest_number_exactly() -> None:
    row = np.linspace(-1, 0.5, 16, dtype=np.float32)[None]
    packed = round_blocks(row, Blocks(16))
    assert packed.scales.tolist() == [[0.125]]
    assert packed.numbers[0, 0, 0] & 15 == 0  # -1 = (0 - 8) × 0.125
    assert packed.numbers.shape == (1, 1, 8)
    assert packed.zeros is None


def test_round_blocks_zeros_get_the_middle() -> None:
    packed = round_blocks(np.zeros((1, 16), np.float32), Blocks(16))
    assert set(packed.numbers.flat) == {0x88}
    assert packed.scales.tolist() == [[0.0]]


def test_round_blocks_pads_the_last_block() -> None:
    packed = round_blocks(np.ones((2, 40), np.float32), Blocks(32))
    assert (packed.numbers.shape, packed.scales.shape) == ((2, 2, 16), (2, 2))
    assert packed.numbers[0, 1, 3:5].tolist() == [0x00, 0x88]


def test_round_blocks_asymmetric_reaches_from_least_to_largest() -> None:
    row = np.array([[-1.0] + [0.0] * 14 + [2.0]], np.float32)
    packed = round_blocks(row, Blocks(16, symmetric=False))
    assert packed.scales.tolist() == [[np.float32(0.2)]]
    assert packed.zeros is not None
    assert packed.zeros.tolist() == [[5]]  # -1 = (0 - 5) × 0.2
    assert packed.numbers[0, 0].tolist() == [0x50, *[0x55] * 6, 0xF5]


def test_round_blocks_asymmetric_packs_zero_points_of_two_blocks_into_a_byte() -> None:
    row = np.concatenate([np.linspace(-1, 2, 16), np.linspace(0, 1, 16), np.linspace(-1, 0, 8)])
    packed = round_blocks(row.astype(np.float32)[None], Blocks(16, symmetric=False))
    assert packed.zeros is not None
    assert packed.zeros.tolist() == [[0x05, 0x0F]]


def test_round_blocks_asymmetric_zeros_get_step_zero() -> None:
    packed = round_blocks(np.zeros((1, 16), np.float32), Blocks(16, symmetric=False))
    assert (packed.scales.tolist(), set(packed.numbers.flat)) == ([[0.0]], {0})


@pytest.mark.parametrize(("rows", "block_size"), [(64, 16), (64, 32), (256, 128)])
def test_round_blocks_gives_what_onnxruntime_gives(rows: int, block_size: int) -> None:
    weight = weights_like(1, rows, 24)
    config = DefaultWeightOnlyQuantConfig(block_size=block_size, is_symmetric=True)
    expected, scales, _ = DefaultWeightOnlyQuantizer(config).qbits_block_quant(weight)
    packed = round_blocks(np.ascontiguousarray(weight.T), Blocks(block_size))
    assert np.array_equal(packed.numbers, expected)
    assert np.array_equal(packed.scales, scales)


def test_product_blocks_agree(tmp_path: Path) -> None:
    applied = narrowed(onnx_models.mlp(), "q4")
    error, largest = largest_error(
        onnx_models.mlp(), applied.model, {"x": floats(0, 3, 32)}, tmp_path
    )
    assert 0 < error < TOLERANCE * largest
    assert applied.scheme == "w4_g32_sym"
    assert applied.model.opset_imports["com.microsoft"] == 1


def test_product_blocks_of_a_gemm_keep_its_bias(tmp_path: Path) -> None:
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "/gemm", transB=1)
    weights = [tensor("w", weights_like(0, 64, 40)), tensor("b", floats(3, 64) * 10)]
    proto = onnx_models.model([node], [value("x", [2, 40])], [value("y", [2, 64])], weights)
    applied = narrowed(proto, "q4")
    error, largest = largest_error(proto, applied.model, {"x": floats(0, 2, 40)}, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert operators(applied.model) == {"MatMulNBits": 1, "Add": 1}


def test_row_blocks_agree_on_wasm(tmp_path: Path) -> None:
    applied = narrowed(onnx_models.embedding_net(), "q4")
    feeds = {"ids": np.array([[0, 99, 5], [7, 7, 50]], np.int64)}
    error, largest = largest_error(onnx_models.embedding_net(), applied.model, feeds, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert operators(applied.model)["GatherBlockQuantized"] == 1
    assert initializers(applied.model)["table_q4"] == ir.DataType.UINT8


@pytest.mark.parametrize("width", [32, 40])
def test_asymmetric_product_blocks_agree(width: int, tmp_path: Path) -> None:
    """Weights above zero only: symmetric blocks would waste half of their numbers."""
    weight = np.abs(weights_like(0, width, 64))
    proto = one_node("MatMul", [2, width], weight, [2, 64])
    feeds = {"x": floats(0, 2, width)}
    applied = narrowed(proto, "q4", settings=ASYMMETRIC)
    error, largest = largest_error(proto, applied.model, feeds, tmp_path)
    symmetric, _ = largest_error(proto, narrowed(proto, "q4").model, feeds, tmp_path)
    assert 0 < error < 0.1 * largest
    assert error < symmetric
    assert applied.scheme == "w4_g32_asym"


def test_asymmetric_row_blocks_agree(tmp_path: Path) -> None:
    proto = onnx_models.embedding_net()
    applied = narrowed(proto, "q4", settings=ASYMMETRIC)
    feeds = {"ids": np.array([[0, 99, 5], [7, 7, 50]], np.int64)}
    error, largest = largest_error(proto, applied.model, feeds, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert initializers(applied.model)["table_zero"] == ir.DataType.UINT8
