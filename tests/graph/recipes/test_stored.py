from __future__ import annotations

from pathlib import Path

import onnx_ir as ir
import pytest

from modelpack.graph.recipes.int8 import Rounding
from modelpack.graph.recipes.q8 import finish
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.stored import Form, store_int8
from modelpack.graph.recipes.weights import find_weights
from tests.support import onnx_models
from tests.support.recipes import floats, initializers, largest_error, lifted_if_net, operators

_USUAL = Rounding()


def stored(model: ir.Model, form: Form, rounding: Rounding = _USUAL) -> ir.Model:
    builder = Builder(model)
    for weight in find_weights(model, ()).weights:
        store_int8(builder, weight, form, rounding.grid(weight.array(), weight.axis))
    finish(builder)
    return model


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("form", ["folded", "dequantized"])
def test_store_int8_unsigned_agrees(form: Form, per_channel: bool, tmp_path: Path) -> None:
    rounding = Rounding(signed=False, per_channel=per_channel)
    model = stored(ir.from_proto(onnx_models.conv_net()), form, rounding)
    error, largest = largest_error(
        onnx_models.conv_net(), model, {"image": floats(0, 2, 1, 8, 8)}, tmp_path
    )
    assert 0 < error < 0.02 * largest
    assert initializers(model)["conv2.weight_q8"] == ir.DataType.UINT8


@pytest.mark.parametrize("form", ["folded", "dequantized"])
def test_store_int8_conv_agrees(form: Form, tmp_path: Path) -> None:
    model = stored(ir.from_proto(onnx_models.conv_net()), form)
    error, largest = largest_error(
        onnx_models.conv_net(), model, {"image": floats(0, 2, 1, 8, 8)}, tmp_path
    )
    # A weight is off by at most 1/254 of its channel's largest; 144 of them add up like a random walk.
    assert 0 < error < 0.02 * largest
    assert initializers(model)["conv2.weight_q8"] == ir.DataType.INT8
    assert "conv2.weight" not in initializers(model)


def test_store_int8_folded_adds_cast_and_mul() -> None:
    model = stored(ir.from_proto(onnx_models.conv_net()), "folded")
    assert operators(model)["Cast"] == 1
    assert operators(model)["Mul"] == 1
    assert "DequantizeLinear" not in operators(model)


def test_store_int8_dequantized_adds_one_node_along_the_axis() -> None:
    model = stored(ir.from_proto(onnx_models.lstm_net()), "dequantized")
    (node,) = (node for node in model.graph if node.op_type == "DequantizeLinear")
    assert node.attributes["axis"].as_int() == 1
    assert "Cast" not in operators(model)


def test_store_int8_lstm_agrees(tmp_path: Path) -> None:
    model = stored(ir.from_proto(onnx_models.lstm_net()), "folded")
    feeds = {"x": floats(0, 5, 1, 8), "state": floats(1, 1, 1, 16)}
    error, _ = largest_error(onnx_models.lstm_net(), model, feeds, tmp_path)
    assert (
        0 < error < 0.01
    )  # outputs of an LSTM lie between -1 and 1; errors pass through its gates


def test_store_int8_weights_of_branches_become_floats_inside_them() -> None:
    model = stored(ir.from_proto(lifted_if_net()), "folded")
    assert [node.op_type for node in model.graph] == ["If"]
    for graph in model.graph.subgraphs():
        assert [node.op_type for node in graph] == ["Cast", "Mul", "MatMul"]


def test_store_int8_one_weight_in_two_branches_is_stored_once(tmp_path: Path) -> None:
    proto = lifted_if_net()
    proto.graph.node[0].attribute[0].g.node[0].input[1] = "then.weight"
    model = stored(ir.from_proto(proto), "folded")
    assert set(initializers(model)) == {"then.weight_q8", "then.weight_scale"}
    assert operators(model)["Mul"] == 2
    for flag in (True, False):
        feeds = {"x": floats(0, 1, 32), "flag": ir.tensor(flag).numpy()}
        error, largest = largest_error(proto, model, feeds, tmp_path)
        assert error < 0.02 * largest
