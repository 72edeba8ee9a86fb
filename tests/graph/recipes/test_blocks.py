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

from modelpack.graph.recipes.blocks import round_blocks
from modelpack.graph.recipes.q4 import apply_q4
from modelpack.planned import QuantizeParams
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import floats, initializers, largest_error, operators

WASM = QuantizeParams("q4", "wasm", (), 32)
# A number is off by at most 1/16 of its block's largest; over a row they add up like a random walk.
TOLERANCE = 0.2


def test_round_blocks_meets_the_largest_number_exactly() -> None:
    row = np.linspace(-1, 0.5, 16, dtype=np.float32)[None]
    packed, scales = round_blocks(row, 16)
    assert scales.tolist() == [[0.125]]
    assert packed[0, 0, 0] & 15 == 0  # -1 = (0 - 8) × 0.125
    assert packed.shape == (1, 1, 8)


def test_round_blocks_zeros_get_the_middle() -> None:
    packed, scales = round_blocks(np.zeros((1, 16), np.float32), 16)
    assert set(packed.flat) == {0x88}
    assert scales.tolist() == [[0.0]]


def test_round_blocks_pads_the_last_block() -> None:
    packed, scales = round_blocks(np.ones((2, 40), np.float32), 32)
    assert (packed.shape, scales.shape) == ((2, 2, 16), (2, 2))
    assert packed[0, 1, 3:5].tolist() == [0x00, 0x88]


@pytest.mark.parametrize(("rows", "block_size"), [(64, 16), (64, 32), (256, 128)])
def test_round_blocks_gives_what_onnxruntime_gives(rows: int, block_size: int) -> None:
    weight = weights_like(1, rows, 24)
    config = DefaultWeightOnlyQuantConfig(block_size=block_size, is_symmetric=True)
    expected, scales, _ = DefaultWeightOnlyQuantizer(config).qbits_block_quant(weight)
    packed, found = round_blocks(np.ascontiguousarray(weight.T), block_size)
    assert np.array_equal(packed, expected)
    assert np.array_equal(found, scales)


def test_product_blocks_agree(tmp_path: Path) -> None:
    applied = apply_q4(ir.from_proto(onnx_models.mlp()), WASM, ())
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
    applied = apply_q4(ir.from_proto(proto), WASM, ())
    error, largest = largest_error(proto, applied.model, {"x": floats(0, 2, 40)}, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert operators(applied.model) == {"MatMulNBits": 1, "Add": 1}


def test_row_blocks_agree_on_wasm(tmp_path: Path) -> None:
    applied = apply_q4(ir.from_proto(onnx_models.embedding_net()), WASM, ())
    feeds = {"ids": np.array([[0, 99, 5], [7, 7, 50]], np.int64)}
    error, largest = largest_error(onnx_models.embedding_net(), applied.model, feeds, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert operators(applied.model)["GatherBlockQuantized"] == 1
    assert initializers(applied.model)["table_q4"] == ir.DataType.UINT8
