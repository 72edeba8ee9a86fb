from __future__ import annotations

import pytest
from onnx import ModelProto

from tests.support import onnx_models
from tests.support.onnx_models import weights_like
from tests.support.recipes import lifted_if_net, narrowed, one_node, operators

_WASM_ONLY = {"MatMulInteger", "DynamicQuantizeLinear"}


@pytest.mark.parametrize(
    "proto",
    [onnx_models.mlp(), onnx_models.conv_net(), onnx_models.embedding_net(), lifted_if_net()],
    ids=["mlp", "conv", "embedding", "if"],
)
def test_narrow_int8_webgpu_never_multiplies_integers(proto: ModelProto) -> None:
    applied = narrowed(proto, "q8", "webgpu")
    assert applied.narrowed
    assert not _WASM_ONLY & set(operators(applied.model))


def test_narrow_int8_webgpu_stores_products_dequantized() -> None:
    applied = narrowed(onnx_models.mlp(), "q8", "webgpu")
    assert applied.scheme == "w8_channel"
    assert operators(applied.model)["DequantizeLinear"] == 1


def test_narrow_int8_webgpu_raises_an_old_opset() -> None:
    proto = one_node("Conv", [1, 16, 8, 8], weights_like(0, 16, 16, 3, 3), [1, 16, 6, 6])
    proto.opset_import[0].version = 9
    applied = narrowed(proto, "q8", "webgpu")
    assert applied.model.opset_imports[""] == 13
    assert operators(applied.model) == {"DequantizeLinear": 1, "Conv": 1}


def test_narrow_int8_wasm_keeps_an_old_opset_for_filters() -> None:
    proto = one_node("Conv", [1, 16, 8, 8], weights_like(0, 16, 16, 3, 3), [1, 16, 6, 6])
    proto.opset_import[0].version = 9
    applied = narrowed(proto, "q8", "wasm")
    assert applied.model.opset_imports[""] == 9
    assert operators(applied.model) == {"Cast": 1, "Mul": 1, "Conv": 1}


def test_narrow_int8_wasm_raises_an_old_opset_for_products() -> None:
    proto = one_node("MatMul", [2, 32], weights_like(0, 32, 64), [2, 64])
    proto.opset_import[0].version = 9
    applied = narrowed(proto, "q8", "wasm")
    assert applied.model.opset_imports[""] == 11
    assert applied.scheme == "w8_channel_a8_dyn"


def test_narrow_int8_nothing_large_narrows_nothing() -> None:
    applied = narrowed(one_node("MatMul", [2, 8], weights_like(0, 8, 8), [2, 8]), "q8")
    assert applied.narrowed == ()
    assert operators(applied.model) == {"MatMul": 1}


def test_narrow_int8_mixed_schemes_name_the_larger_first() -> None:
    proto = onnx_models.conv_net()
    table = weights_like(9, 60, 64)
    extra = one_node("MatMul", [1, 60], table, [1, 64])
    proto.graph.node.extend(extra.graph.node)
    proto.graph.input.extend(extra.graph.input)
    proto.graph.output.extend(extra.graph.output)
    proto.graph.initializer.extend(extra.graph.initializer)
    applied = narrowed(proto, "q8", "wasm")
    # 4608 filter numbers and 32 scales against 3840 numbers and 64 scales.
    assert applied.scheme == "w8_channel+w8_channel_a8_dyn"
