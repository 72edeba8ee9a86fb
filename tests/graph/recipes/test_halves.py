from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from onnx import ModelProto

from modelpack.graph.recipes.halves import fits, store_halves
from tests.support import onnx_models
from tests.support.onnx_models import weights_like
from tests.support.recipes import (
    Feeds,
    floats,
    initializers,
    largest_error,
    lifted_if_net,
    one_node,
    operators,
)


@pytest.mark.parametrize(
    ("proto", "feeds"),
    [
        (onnx_models.mlp(), {"x": floats(0, 2, 32)}),
        (onnx_models.conv_net(), {"image": floats(0, 2, 1, 8, 8)}),
        (lifted_if_net(), {"x": floats(0, 1, 32), "flag": np.array(True)}),
    ],
    ids=["mlp", "conv", "if"],
)
def test_store_halves_agrees(proto: ModelProto, feeds: Feeds, tmp_path: Path) -> None:
    applied = store_halves(ir.from_proto(proto), ())
    error, largest = largest_error(proto, applied.model, feeds, tmp_path)
    assert 0 < error < 1e-3 * largest  # each weight is off by 2^-12 of itself at most
    assert applied.scheme == "w16"
    assert ir.DataType.FLOAT16 in initializers(applied.model).values()


def test_store_halves_takes_any_reader() -> None:
    applied = store_halves(
        ir.from_proto(one_node("Add", [32, 32], weights_like(0, 32, 32), [32, 32])), ()
    )
    assert [weight.size_bytes for weight in applied.narrowed] == [2048]
    assert operators(applied.model) == {"Cast": 1, "Add": 1}


def test_store_halves_beyond_the_range_stays_float32() -> None:
    weight = weights_like(0, 32, 32)
    weight[0, 0] = 70000
    applied = store_halves(ir.from_proto(one_node("MatMul", [2, 32], weight, [2, 32])), ())
    assert applied.narrowed == ()
    assert applied.notes == ("w stays float32: float16 cannot hold such numbers",)


def test_store_halves_excluded_reader_keeps_float32() -> None:
    applied = store_halves(ir.from_proto(onnx_models.mlp()), {"/fc1/MatMul"})
    assert applied.narrowed == ()
    assert applied.notes == ("fc1.weight stays float32: nodes_to_exclude names a reader",)


@pytest.mark.parametrize(
    ("number", "expected"), [(65504, True), (65536, False), (-65536, False), (-np.inf, True)]
)
def test_fits_ends_at_the_largest_half(number: float, expected: bool) -> None:
    assert fits(np.array([0, number], np.float32)) is expected
