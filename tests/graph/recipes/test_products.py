from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import (
    floats,
    largest_error,
    lifted_if_net,
    narrowed,
    one_node,
    operators,
)

# Activations are rounded to 1/255 of their range and weights to 1/254 of their channel's largest.
TOLERANCE = 0.03


def siblings() -> onnx.ModelProto:
    """Two products that read the same activations; the weights stand in the other order than the nodes."""
    nodes = [
        helper.make_node("MatMul", ["x", "second"], ["a"], "/a"),
        helper.make_node("MatMul", ["x", "first"], ["b"], "/b"),
    ]
    weights = [
        tensor(name, weights_like(seed, 32, 32)) for seed, name in enumerate(("first", "second"))
    ]
    outputs = [value("a", [2, 32]), value("b", [2, 32])]
    return onnx_models.model(nodes, [value("x", [2, 32])], outputs, weights)


def test_products_matmul_becomes_integers(tmp_path: Path) -> None:
    applied = narrowed(onnx_models.mlp(), "q8", "wasm")
    error, largest = largest_error(
        onnx_models.mlp(), applied.model, {"x": floats(0, 3, 32)}, tmp_path
    )
    assert 0 < error < TOLERANCE * largest
    assert applied.scheme == "w8_channel_a8_dyn"
    assert operators(applied.model)["MatMulInteger"] == 1


@pytest.mark.parametrize("transposed", [0, 1])
def test_products_gemm_keeps_its_bias(transposed: int, tmp_path: Path) -> None:
    shape = (64, 32) if transposed else (32, 64)
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "/gemm", transB=transposed)
    weights = [tensor("w", weights_like(0, *shape)), tensor("b", floats(3, 64) * 10)]
    proto = onnx_models.model([node], [value("x", [2, 32])], [value("y", [2, 64])], weights)
    applied = narrowed(proto, "q8", "wasm")
    error, largest = largest_error(proto, applied.model, {"x": floats(0, 2, 32)}, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert operators(applied.model)["MatMulInteger"] == 1


def test_products_scaled_gemm_stays_a_gemm() -> None:
    proto = one_node("Gemm", [2, 32], weights_like(0, 32, 64), [2, 64])
    proto.graph.node[0].attribute.append(helper.make_attribute("alpha", 0.5))
    applied = narrowed(proto, "q8", "wasm")
    assert applied.scheme == "w8_channel"
    assert operators(applied.model)["Gemm"] == 1


def test_products_of_the_same_activations_round_them_once(tmp_path: Path) -> None:
    applied = narrowed(siblings(), "q8", "wasm")
    assert operators(applied.model)["DynamicQuantizeLinear"] == 1
    error, largest = largest_error(siblings(), applied.model, {"x": floats(0, 2, 32)}, tmp_path)
    assert error < TOLERANCE * largest


def test_products_inside_branches_run_inside_them(tmp_path: Path) -> None:
    applied = narrowed(lifted_if_net(), "q8", "wasm")
    assert operators(applied.model)["MatMulInteger"] == 2
    for flag in (True, False):
        feeds = {"x": floats(0, 1, 32), "flag": np.array(flag)}
        error, largest = largest_error(lifted_if_net(), applied.model, feeds, tmp_path)
        assert error < TOLERANCE * largest


def test_products_use_the_full_range_without_saturation(tmp_path: Path) -> None:
    """Largest activations times largest weights: pairs of them overflow 16 bits."""
    proto = one_node("MatMul", [1, 64], np.ones((64, 32), np.float32), [1, 32])
    applied = narrowed(proto, "q8", "wasm")
    error, largest = largest_error(
        proto, applied.model, {"x": np.ones((1, 64), np.float32)}, tmp_path
    )
    assert largest == 64
    assert error < 1e-4  # 255 × 127 × 64 is exact; only the scales are rounded


def test_products_output_keeps_its_name_and_type() -> None:
    proto = one_node("MatMul", [1, 32], weights_like(0, 32, 64), [1, 64])
    (output,) = narrowed(proto, "q8", "wasm").model.graph.outputs
    assert (output.name, output.dtype, output.shape) == ("y", ir.DataType.FLOAT, ir.Shape([1, 64]))


@pytest.mark.parametrize("transposed", [0, 1])
def test_products_of_unsigned_weights_agree(transposed: int, tmp_path: Path) -> None:
    shape = (64, 32) if transposed else (32, 64)
    weight = weights_like(0, *shape) + np.float32(0.1)
    proto = one_node("Gemm", [2, 32], weight, [2, 64], transB=transposed)
    applied = narrowed(proto, "uint8")
    error, largest = largest_error(proto, applied.model, {"x": floats(0, 2, 32)}, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert applied.scheme == "w8u_channel_a8_dyn"
    assert applied.narrowed[0].size_bytes == 32 * 64 + 64 * 4 + 64
