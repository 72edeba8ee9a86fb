from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import floats, largest_error, lifted_if_net, narrowed, operators

# NF4's levels lie up to 0.14 of a block's largest apart where weights are rare; over a row errors add up like a random walk.
TOLERANCE = 0.2


def test_bnb4_products_agree(tmp_path: Path) -> None:
    applied = narrowed(onnx_models.mlp(), "bnb4")
    feeds = {"x": floats(0, 3, 32)}
    error, largest = largest_error(onnx_models.mlp(), applied.model, feeds, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert operators(applied.model)["MatMulBnb4"] == 1
    assert [(each.name, each.scheme, each.size_bytes) for each in applied.narrowed] == [
        ("fc1.weight", "w4_nf4_g32", 32 * 64 // 2 + 32 * 64 // 32 * 4)
    ]


@pytest.mark.parametrize("transposed", [0, 1])
def test_bnb4_gemm_keeps_its_bias(transposed: int, tmp_path: Path) -> None:
    """40 is no multiple of the block: blocks run on from row to row."""
    shape = (64, 40) if transposed else (40, 64)
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "/gemm", transB=transposed)
    weights = [tensor("w", weights_like(0, *shape)), tensor("b", floats(3, 64) * 10)]
    proto = onnx_models.model([node], [value("x", [2, 40])], [value("y", [2, 64])], weights)
    applied = narrowed(proto, "bnb4")
    error, largest = largest_error(proto, applied.model, {"x": floats(0, 2, 40)}, tmp_path)
    assert 0 < error < TOLERANCE * largest
    assert operators(applied.model) == {"MatMulBnb4": 1, "Add": 1}


def test_bnb4_products_inside_branches_run_inside_them(tmp_path: Path) -> None:
    applied = narrowed(lifted_if_net(), "bnb4")
    assert operators(applied.model)["MatMulBnb4"] == 2
    feeds = {"x": floats(0, 1, 32), "flag": np.array(False)}
    error, largest = largest_error(lifted_if_net(), applied.model, feeds, tmp_path)
    assert 0 < error < TOLERANCE * largest


def test_bnb4_without_products_changes_nothing() -> None:
    assert narrowed(onnx_models.conv_net(), "bnb4").narrowed == ()
