from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.q8 import apply_q8
from tests.support import onnx_models
from tests.support.recipes import initializers, largest_error, operators


def test_store_rows_looks_up_integers_and_scales(tmp_path: Path) -> None:
    applied = apply_q8(ir.from_proto(onnx_models.embedding_net()), "webgpu", ())
    feeds = {"ids": np.array([[0, 99, 5], [7, 7, 50]], np.int64)}
    error, largest = largest_error(onnx_models.embedding_net(), applied.model, feeds, tmp_path)
    assert 0 < error < 0.01 * largest  # one rounding of 1/254 per number, then a mean
    assert applied.scheme == "w8_row"
    assert operators(applied.model)["Gather"] == 2
    assert initializers(applied.model)["table_q8"] == ir.DataType.INT8


def test_store_rows_counts_integers_and_scales() -> None:
    applied = apply_q8(ir.from_proto(onnx_models.embedding_net()), "wasm", ())
    assert [(weight.name, weight.size_bytes) for weight in applied.narrowed] == [
        ("table", 100 * 32 + 100 * 4)
    ]
