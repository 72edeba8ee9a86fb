from __future__ import annotations

import onnx_ir as ir

from modelpack.graph.recipes.q4 import apply_q4
from modelpack.planned import QuantizeParams
from tests.support import onnx_models
from tests.support.recipes import operators

WASM = QuantizeParams("q4", "wasm", (), 32)
WEBGPU = QuantizeParams("q4", "webgpu", (), 32)


def test_apply_q4_webgpu_keeps_rows_as_int8() -> None:
    proto = onnx_models.embedding_net()
    mlp = onnx_models.mlp()
    proto.graph.node.extend(mlp.graph.node)
    proto.graph.input.extend(mlp.graph.input)
    proto.graph.output.extend(mlp.graph.output)
    proto.graph.initializer.extend(mlp.graph.initializer)
    applied = apply_q4(ir.from_proto(proto), WEBGPU, ())
    assert sorted(weight.scheme for weight in applied.narrowed) == ["w4_g32_sym", "w8_row"]
    assert "GatherBlockQuantized" not in operators(applied.model)


def test_apply_q4_webgpu_rows_alone_change_nothing() -> None:
    assert apply_q4(ir.from_proto(onnx_models.embedding_net()), WEBGPU, ()).narrowed == ()


def test_apply_q4_filters_alone_change_nothing() -> None:
    applied = apply_q4(ir.from_proto(onnx_models.conv_net()), WASM, ())
    assert applied.narrowed == ()
    assert "Cast" not in operators(applied.model)


def test_apply_q4_filters_beside_products_become_int8() -> None:
    proto = onnx_models.conv_net()
    mlp = onnx_models.mlp()
    for output in mlp.graph.output:
        output.name = "other"
    mlp.graph.node[-1].output[0] = "other"
    proto.graph.node.extend(mlp.graph.node)
    proto.graph.input.extend(mlp.graph.input)
    proto.graph.output.extend(mlp.graph.output)
    proto.graph.initializer.extend(mlp.graph.initializer)
    applied = apply_q4(ir.from_proto(proto), WASM, ())
    assert {weight.name: weight.scheme for weight in applied.narrowed} == {
        "fc1.weight": "w4_g32_sym",
        "conv2.weight": "w8_channel",
    }


def test_apply_q4_block_size_is_in_the_scheme() -> None:
    params = QuantizeParams("q4", "wasm", (), 64)
    assert apply_q4(ir.from_proto(onnx_models.mlp()), params, ()).scheme == "w4_g64_sym"
