from __future__ import annotations

from pathlib import Path

import numpy as np

from modelpack.graph.recipes.islands import overflowing_nodes
from tests.support.onnx_models import weights_like
from tests.support.recipes import floats, one_node


def test_overflowing_nodes_small_values_are_none(tmp_path: Path) -> None:
    proto = one_node("MatMul", [2, 32], weights_like(0, 32, 32), [2, 32])
    assert overflowing_nodes(proto, [{"x": floats(0, 2, 32)}], tmp_path / "a") == ()


def test_overflowing_nodes_large_weight_names_its_reader(tmp_path: Path) -> None:
    weight = weights_like(0, 32, 32)
    weight[0, 0] = 1e5
    proto = one_node("MatMul", [2, 32], weight, [2, 32])
    assert overflowing_nodes(proto, [{"x": np.zeros((2, 32), np.float32)}], tmp_path / "a") == (
        "/node",
    )


def test_overflowing_nodes_keep_a_factor_of_four(tmp_path: Path) -> None:
    proto = one_node("Add", [1, 32], np.zeros((1, 32), np.float32), [1, 32])
    for value, expected in ((16000.0, ()), (17000.0, ("/node",))):
        feeds = {"x": np.full((1, 32), value, np.float32)}
        assert overflowing_nodes(proto, [feeds], tmp_path / str(value)) == expected


def test_overflowing_nodes_infinite_masks_are_none(tmp_path: Path) -> None:
    proto = one_node("Add", [1, 2], np.array([[0, -np.inf]], np.float32), [1, 2])
    feeds = {"x": np.zeros((1, 2), np.float32)}
    assert overflowing_nodes(proto, [feeds], tmp_path / "a") == ()
