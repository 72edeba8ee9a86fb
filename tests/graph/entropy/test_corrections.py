from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from modelpack.graph.entropy.corrections import add_correction
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.weights import find_weights
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import floats, one_node, operators, outputs
from tests.support.shaped import wide_mlp


def corrected(proto: onnx.ModelProto, name: str, correction: np.ndarray) -> ir.Model:
    model = ir.from_proto(proto)
    builder = Builder(model)
    weight = next(each for each in find_weights(model, ()).weights if each.name == name)
    assert add_correction(builder, weight, correction) is not None
    builder.drop_unused()
    return model


@pytest.mark.parametrize(
    ("proto", "feed", "operator"),
    [
        (one_node("Gemm", [1, 32], weights_like(0, 32, 64), [1, 64]), floats(1, 1, 32), "Gemm"),
        (one_node("MatMul", [1, 32], weights_like(0, 32, 64), [1, 64]), floats(1, 1, 32), "Add"),
    ],
    ids=["gemm", "matmul"],
)
def test_add_correction_reaches_every_output(
    proto: onnx.ModelProto, feed: np.ndarray, operator: str, tmp_path: Path
) -> None:
    shift = floats(2, 64)
    before = outputs(proto, {"x": feed}, tmp_path)["y"]
    model = corrected(proto, "w", shift)
    assert operators(model)[operator] == 1
    assert np.allclose(outputs(model, {"x": feed}, tmp_path)["y"], before + shift, atol=1e-5)


def test_add_correction_of_a_filter_is_its_bias(tmp_path: Path) -> None:
    proto = one_node("Conv", [1, 16, 8, 8], weights_like(0, 16, 16, 3, 3), [1, 16, 6, 6])
    feeds, shift = {"x": floats(1, 1, 16, 8, 8)}, floats(2, 16)
    before = outputs(proto, feeds, tmp_path)["y"]
    model = corrected(proto, "w", shift)
    assert operators(model) == {"Conv": 1}
    after = outputs(model, feeds, tmp_path)["y"]
    assert np.allclose(after, before + shift[:, None, None], atol=1e-5)


def test_add_correction_goes_into_a_bias_that_is_there() -> None:
    model = corrected(wide_mlp(), "fc1.weight", np.ones(64, np.float32))
    assert operators(model)["Add"] == 1
    (bias,) = [name for name in model.graph.initializers if "bias" in name]
    stored = model.graph.initializers[bias].const_value
    assert stored is not None
    assert np.array_equal(stored.numpy(), weights_like(1, 64) + 1)


def test_add_correction_leaves_a_bias_of_others_alone() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "/matmul"),
        helper.make_node("Add", ["h", "b"], ["y"], "/add"),
        helper.make_node("Mul", ["x2", "b"], ["z"], "/mul"),
    ]
    inputs = [value("x", [1, 32]), value("x2", [1, 64])]
    weights = [tensor("w", weights_like(0, 32, 64)), tensor("b", weights_like(1, 64))]
    proto = onnx_models.model(nodes, inputs, [value("y", [1, 64]), value("z", [1, 64])], weights)
    model = corrected(proto, "w", np.ones(64, np.float32))
    stored = model.graph.initializers["b"].const_value
    assert stored is not None
    assert np.array_equal(stored.numpy(), weights_like(1, 64))
