from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from onnx import helper

from modelpack.graph.recipes.applied import Applied
from modelpack.graph.recipes.fp16 import Trial, apply_fp16
from modelpack.spec.variants import Device
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import floats, initializers, largest_error, lifted_if_net, operators

Inputs = Mapping[str, NDArray[np.generic]]


def apply(
    proto: onnx.ModelProto, feeds: Inputs, folder: Path, device: Device = "webgpu", *excluded: str
) -> Applied:
    scratch = folder / "scratch"
    scratch.mkdir()
    source = onnx_models.write(proto, folder / "model.onnx")
    return apply_fp16(Trial(source, (dict(feeds),) if feeds else (), scratch), device, excluded)


def overflowing() -> onnx.ModelProto:
    """x → MatMul → Mul 1000 → Mul 1000 → Mul 1e-6: the middle leaves float16's range, the ends do not."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "/matmul"),
        helper.make_node("Mul", ["h", "up"], ["a"], "/up1"),
        helper.make_node("Mul", ["a", "up"], ["b"], "/up2"),
        helper.make_node("Mul", ["b", "down"], ["y"], "/down"),
    ]
    weights = [
        tensor("w", weights_like(0, 32, 64)),
        tensor("up", np.array([1000], np.float32)),
        tensor("down", np.array([1e-6], np.float32)),
    ]
    return onnx_models.model(nodes, [value("x", [2, 32])], [value("y", [2, 64])], weights)


@pytest.mark.parametrize(
    ("proto", "feeds"),
    [
        (onnx_models.mlp(), {"x": floats(0, 2, 32)}),
        (onnx_models.conv_net(), {"image": floats(0, 2, 1, 8, 8)}),
    ],
    ids=["mlp", "conv"],
)
def test_apply_fp16_webgpu_computes_in_halves(
    proto: onnx.ModelProto, feeds: Inputs, tmp_path: Path
) -> None:
    applied = apply(proto, feeds, tmp_path)
    error, largest = largest_error(proto, applied.model, feeds, tmp_path)
    assert 0 < error < 5e-3 * largest  # a few roundings of 2^-11 each
    assert applied.scheme == "fp16"
    assert applied.notes == ()
    assert ir.DataType.FLOAT not in initializers(applied.model).values()


def test_apply_fp16_keeps_the_signature(tmp_path: Path) -> None:
    model = apply(onnx_models.mlp(), {"x": floats(0, 2, 32)}, tmp_path).model
    signature = [(each.name, each.dtype) for each in (*model.graph.inputs, *model.graph.outputs)]
    assert signature == [("x", ir.DataType.FLOAT), ("logits", ir.DataType.FLOAT)]


def test_apply_fp16_overflow_becomes_a_float32_island(tmp_path: Path) -> None:
    feeds = {"x": floats(0, 2, 32)}
    applied = apply(overflowing(), feeds, tmp_path)
    error, largest = largest_error(overflowing(), applied.model, feeds, tmp_path)
    assert 0 < error < 5e-3 * largest
    assert applied.scheme == "fp16_fp32_islands"
    assert applied.notes == ("2 nodes stay in float32, where float16 would overflow: /up2, /down",)


def test_apply_fp16_islands_hand_over_without_a_cast(tmp_path: Path) -> None:
    model = apply(overflowing(), {"x": floats(0, 2, 32)}, tmp_path).model
    down = model.graph.node("/down")
    producer = down.inputs[0].producer() if down.inputs[0] else None
    assert producer is not None
    assert producer.name == "/up2"


def test_apply_fp16_excluded_node_stays_float32(tmp_path: Path) -> None:
    applied = apply(onnx_models.mlp(), {"x": floats(0, 2, 32)}, tmp_path, "webgpu", "/fc1/MatMul")
    assert initializers(applied.model)["fc1.weight"] == ir.DataType.FLOAT
    assert initializers(applied.model)["fc2.weight"] == ir.DataType.FLOAT16
    assert applied.scheme == "fp16"


def test_apply_fp16_wasm_only_stores_halves(tmp_path: Path) -> None:
    applied = apply(onnx_models.mlp(), {"x": floats(0, 2, 32)}, tmp_path, "wasm")
    assert applied.scheme == "w16"
    assert operators(applied.model)["Cast"] == 1


def test_apply_fp16_without_inputs_to_compare_on_only_stores_halves(tmp_path: Path) -> None:
    applied = apply(onnx_models.mlp(), {}, tmp_path)
    assert applied.scheme == "w16"
    assert "no made-up inputs run in it, so values cannot be compared" in applied.notes[0]


def test_apply_fp16_model_with_branches_computes_in_halves(tmp_path: Path) -> None:
    proto = lifted_if_net()
    feeds = {"x": floats(0, 1, 32), "flag": np.array(True)}
    applied = apply(proto, feeds, tmp_path)
    error, largest = largest_error(proto, applied.model, feeds, tmp_path)
    assert 0 < error < 5e-3 * largest
    assert applied.scheme == "fp16"
    assert applied.notes == ()
    assert set(initializers(applied.model).values()) == {ir.DataType.FLOAT16}


def test_apply_fp16_recurrence_is_stored_in_halves_and_keeps_its_device(tmp_path: Path) -> None:
    feeds = {"x": floats(0, 5, 1, 8), "state": floats(1, 1, 1, 16)}
    applied = apply(onnx_models.lstm_net(), feeds, tmp_path)
    error, largest = largest_error(onnx_models.lstm_net(), applied.model, feeds, tmp_path)
    assert 0 < error < 1e-3 * largest
    assert applied.scheme == "w16"
    assert applied.notes[1] == (
        "1 node stays in float32, which the device computes in float32 alone: LSTM"
    )
