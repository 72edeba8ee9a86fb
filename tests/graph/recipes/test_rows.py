from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir

from tests.support import onnx_models
from tests.support.recipes import initializers, largest_error, narrowed, operators


def test_store_rows_looks_up_integers_and_scales(tmp_path: Path) -> None:
    applied = narrowed(onnx_models.embedding_net(), "q8", "webgpu")
    feeds = {"ids": np.array([[0, 99, 5], [7, 7, 50]], np.int64)}
    error, largest = largest_error(onnx_models.embedding_net(), applied.model, feeds, tmp_path)
    assert 0 < error < 0.01 * largest  # one rounding of 1/254 per number, then a mean
    assert applied.scheme == "w8_row"
    assert operators(applied.model)["Gather"] == 2
    assert initializers(applied.model)["table_q8"] == ir.DataType.INT8


def test_store_rows_counts_integers_and_scales() -> None:
    applied = narrowed(onnx_models.embedding_net(), "q8", "wasm")
    assert [(weight.name, weight.size_bytes) for weight in applied.narrowed] == [
        ("table", 100 * 32 + 100 * 4)
    ]


def test_store_rows_unsigned_looks_up_zero_points_too(tmp_path: Path) -> None:
    proto = onnx_models.embedding_net()
    applied = narrowed(proto, "uint8")
    feeds = {"ids": np.array([[0, 99, 5], [7, 7, 50]], np.int64)}
    error, largest = largest_error(proto, applied.model, feeds, tmp_path)
    assert 0 < error < 0.01 * largest
    assert applied.scheme == "w8u_row"
    assert operators(applied.model)["Gather"] == 3
