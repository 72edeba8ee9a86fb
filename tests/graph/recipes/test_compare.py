from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelpack.graph.recipes.compare import largest_error
from tests.support import onnx_models
from tests.support.recipes import one_node

FEEDS = ({"x": np.array([[1, 2]], np.float32)},)


def added(folder: Path, name: str, *numbers: float) -> Path:
    proto = one_node("Add", [1, 2], np.array([numbers], np.float32), [1, "n"])
    return onnx_models.write(proto, folder / f"{name}.onnx")


def test_largest_error_same_model_is_zero(tmp_path: Path) -> None:
    path = added(tmp_path, "a", 0, 0)
    assert largest_error(path, path, FEEDS) == 0


def test_largest_error_is_a_share_of_the_largest_output(tmp_path: Path) -> None:
    paths = added(tmp_path, "a", 0, 0), added(tmp_path, "b", 0, 0.5)
    assert largest_error(*paths, FEEDS) == pytest.approx(0.25)


def test_largest_error_nan_is_infinite(tmp_path: Path) -> None:
    paths = added(tmp_path, "a", 0, 0), added(tmp_path, "b", 0, np.nan)
    assert largest_error(*paths, FEEDS) == float("inf")


def test_largest_error_infinity_of_the_original_does_not_count(tmp_path: Path) -> None:
    paths = added(tmp_path, "a", 0, -np.inf), added(tmp_path, "b", 1, -np.inf)
    assert largest_error(*paths, FEEDS) == pytest.approx(1.0)


def test_largest_error_without_inputs_is_zero(tmp_path: Path) -> None:
    paths = added(tmp_path, "a", 0, 0), added(tmp_path, "b", 9, 9)
    assert largest_error(*paths, ()) == 0
