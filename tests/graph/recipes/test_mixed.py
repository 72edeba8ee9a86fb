from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.mixed import apply_mixed
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import Override, RecipeSettings
from tests.support import onnx_models
from tests.support.onnx_models import weights_like
from tests.support.recipes import (
    initializers,
    largest_error,
    narrowed,
    one_node,
    operators,
    wide_embedding_net,
)

WASM = QuantizeParams("q4", "wasm", (), 32)
WEBGPU = QuantizeParams("q4", "webgpu", (), 32)


def test_q4_webgpu_keeps_rows_as_int8() -> None:
    proto = onnx_models.embedding_net()
    mlp = onnx_models.mlp()
    proto.graph.node.extend(mlp.graph.node)
    proto.graph.input.extend(mlp.graph.input)
    proto.graph.output.extend(mlp.graph.output)
    proto.graph.initializer.extend(mlp.graph.initializer)
    applied = apply_mixed(ir.from_proto(proto), WEBGPU, ())
    assert sorted(weight.scheme for weight in applied.narrowed) == ["w4_g32_sym", "w8_row"]
    assert "GatherBlockQuantized" not in operators(applied.model)


def test_q4_webgpu_rows_alone_change_nothing() -> None:
    assert apply_mixed(ir.from_proto(onnx_models.embedding_net()), WEBGPU, ()).narrowed == ()


def test_q4_filters_alone_change_nothing() -> None:
    applied = apply_mixed(ir.from_proto(onnx_models.conv_net()), WASM, ())
    assert applied.narrowed == ()
    assert "Cast" not in operators(applied.model)


def test_q4_filters_beside_products_become_int8() -> None:
    proto = onnx_models.conv_net()
    mlp = onnx_models.mlp()
    for output in mlp.graph.output:
        output.name = "other"
    mlp.graph.node[-1].output[0] = "other"
    proto.graph.node.extend(mlp.graph.node)
    proto.graph.input.extend(mlp.graph.input)
    proto.graph.output.extend(mlp.graph.output)
    proto.graph.initializer.extend(mlp.graph.initializer)
    applied = apply_mixed(ir.from_proto(proto), WASM, ())
    assert {weight.name: weight.scheme for weight in applied.narrowed} == {
        "fc1.weight": "w4_g32_sym",
        "conv2.weight": "w8_channel",
    }


def test_q4_block_size_is_in_the_scheme() -> None:
    params = QuantizeParams("q4", "wasm", (), 64)
    assert apply_mixed(ir.from_proto(onnx_models.mlp()), params, ()).scheme == "w4_g64_sym"


def test_uint8_per_tensor_has_one_step_and_zero_point() -> None:
    applied = narrowed(onnx_models.mlp(), "uint8", settings=RecipeSettings(per_channel=False))
    found = {name: value.const_value for name, value in applied.model.graph.initializers.items()}
    for name in ("fc1.weight_scale", "fc1.weight_zero"):
        tensor = found[name]
        assert tensor is not None
        assert len(set(tensor.numpy().tolist())) == 1


def test_activations_in_floats_multiply_no_integers() -> None:
    applied = narrowed(onnx_models.mlp(), "q8", settings=RecipeSettings(activations="float"))
    assert applied.scheme == "w8_channel"
    assert "MatMulInteger" not in operators(applied.model)


def test_override_gives_one_weight_another_dtype(tmp_path: Path) -> None:
    overrides = (Override("/pooler/*", "q4", 16), Override("table", "fp16", 32))
    proto = wide_embedding_net()
    applied = narrowed(proto, "q8", settings=RecipeSettings(overrides=overrides))
    assert {each.name: each.scheme for each in applied.narrowed} == {
        "table": "w16",
        "pooler.weight": "w4_g16_sym",
    }
    feeds = {"ids": np.array([[0, 99, 5]], np.int64)}
    error, largest = largest_error(proto, applied.model, feeds, tmp_path)
    assert 0 < error < 0.2 * largest


def test_override_to_fp32_keeps_the_weight() -> None:
    settings = RecipeSettings(overrides=(Override("*/Gather", "fp32", 32),))
    applied = narrowed(wide_embedding_net(), "q8", settings=settings)
    assert [each.name for each in applied.narrowed] == ["pooler.weight"]
    assert initializers(applied.model)["table"] == ir.DataType.FLOAT


def test_half_beyond_its_range_keeps_the_weight_with_a_note() -> None:
    proto = one_node("MatMul", [2, 32], weights_like(0, 32, 64) * np.float32(1e6), [2, 64])
    settings = RecipeSettings(overrides=(Override("w", "fp16", 32),))
    applied = narrowed(proto, "q8", settings=settings)
    assert applied.narrowed == ()
    assert applied.notes == ("w stays float32: float16 cannot hold such numbers",)
