from __future__ import annotations

import onnx
import onnx_ir as ir
import pytest

from modelpack.errors import StepError
from modelpack.graph.recipes.assignment import Assigned, assign, kept_nodes
from modelpack.graph.recipes.weights import find_weights
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import Device, Dtype, Override, RecipeSettings
from tests.support import onnx_models
from tests.support.recipes import lifted_if_net, two_layers, wide_embedding_net


def assigned(
    proto: onnx.ModelProto, dtype: Dtype, settings: RecipeSettings, device: Device = "wasm"
) -> Assigned:
    model = ir.from_proto(proto)
    params = QuantizeParams(dtype, device, (), 32, settings)
    return assign(model, find_weights(model, ()).weights, params)


def dtypes(found: Assigned) -> dict[str, str]:
    return {name: storage.dtype for name, storage in found.storages.items()}


@pytest.mark.parametrize(
    ("dtype", "device", "table", "pooler"),
    [
        ("q8", "wasm", "q8", "q8"),
        ("uint8", "wasm", "uint8", "uint8"),
        ("q4", "wasm", "q4", "q4"),
        ("q4", "webgpu", "q8", "q4"),
        ("q4f16", "webgpu", "q8", "q4"),
        ("bnb4", "wasm", "q8", "bnb4"),
        ("fp16", "webgpu", "fp32", "fp32"),
    ],
)
def test_assign_follows_the_dtype(dtype: Dtype, device: Device, table: str, pooler: str) -> None:
    found = assigned(wide_embedding_net(), dtype, RecipeSettings(), device)
    assert dtypes(found) == {"table": table, "pooler.weight": pooler}
    assert found.notes == ()


def test_assign_embeddings_apart() -> None:
    found = assigned(wide_embedding_net(), "q8", RecipeSettings(embedding_dtype="q4"))
    assert dtypes(found) == {"table": "q4", "pooler.weight": "q8"}


def test_assign_outputs_apart() -> None:
    found = assigned(two_layers(), "q4", RecipeSettings(output_dtype="fp32"))
    assert dtypes(found) == {"first": "q4", "second": "fp32"}


def test_assign_outputs_behind_branches_are_those_inside_them() -> None:
    found = assigned(lifted_if_net(), "q8", RecipeSettings(output_dtype="q4"))
    assert dtypes(found) == {"then.weight": "q4", "else.weight": "q4"}


def test_assign_override_goes_before_embeddings_and_the_last_one_before_others() -> None:
    overrides = (Override("*", "uint8", 32), Override("*/Gather", "q4", 64))
    settings = RecipeSettings(embedding_dtype="fp16", overrides=overrides)
    found = assigned(wide_embedding_net(), "q8", settings)
    assert dtypes(found) == {"table": "q4", "pooler.weight": "uint8"}
    assert found.storages["table"].block_size == 64


def test_assign_what_has_no_form_becomes_int8_with_a_note() -> None:
    settings = RecipeSettings(overrides=(Override("/conv2", "q4", 32),))
    found = assigned(onnx_models.conv_net(), "uint8", settings)
    assert dtypes(found) == {"conv2.weight": "q8"}
    assert found.notes == ("conv2.weight is stored as int8: q4 has no form for it",)


def test_assign_override_that_matches_nothing_fails_and_names_what_is_near() -> None:
    settings = RecipeSettings(overrides=(Override("/conv3", "q8", 32),))
    with pytest.raises(StepError) as caught:
        assigned(onnx_models.conv_net(), "q8", settings)
    message = str(caught.value)
    assert message.startswith('MP-E451 overrides: "/conv3" matches none of the 13 names')
    assert '"/conv2"' in message


def test_kept_nodes_are_those_whose_last_match_is_fp32() -> None:
    overrides = (Override("/conv*", "fp32", 32), Override("/conv1", "q8", 32))
    found = kept_nodes(ir.from_proto(onnx_models.conv_net()), overrides)
    assert found == {"/conv2"}
