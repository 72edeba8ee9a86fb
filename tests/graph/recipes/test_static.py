from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample
from modelpack.spec.variants import ActivationType, CalibrateMethod, Override, RecipeSettings
from tests.support import onnx_models
from tests.support.calibrated import made_static, ranges_of, static_params
from tests.support.onnx_models import value, weights_like
from tests.support.recipes import (
    floats,
    initializers,
    largest_error,
    lifted_if_net,
    one_node,
    operators,
    two_layers,
    wide_embedding_net,
)

# Activations are rounded to 1/255 of their range, here three times, and weights to 1/254 of their channel's largest.
TOLERANCE = 0.04


def images(count: int) -> list[Sample]:
    return [Sample(number, {"image": floats(number, 1, 1, 8, 8)}) for number in range(count)]


def vectors(count: int) -> list[Sample]:
    return [Sample(number, {"x": floats(number, 2, 32)}) for number in range(count)]


def error_of(proto: onnx.ModelProto, model: ir.Model, sample: Sample, folder: Path) -> float:
    """The largest error as a share of the largest output."""
    error, largest = largest_error(proto, model, sample.feeds, folder)
    return error / largest


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_static_filters_agree(method: CalibrateMethod, tmp_path: Path) -> None:
    proto = onnx_models.conv_net()
    ranges = ranges_of(proto, images(20), tmp_path, method)
    applied = made_static(proto, ranges, tmp_path)
    assert 0 < error_of(proto, applied.model, images(1)[0], tmp_path) < 2 * TOLERANCE
    assert [(each.name, each.scheme) for each in applied.narrowed] == [
        ("conv2.weight", "w8_channel_a8_static")
    ]
    assert applied.notes == ()


def test_static_filters_have_a_scale_for_each_channel(tmp_path: Path) -> None:
    ranges = ranges_of(onnx_models.conv_net(), images(5), tmp_path)
    applied = made_static(onnx_models.conv_net(), ranges, tmp_path)
    assert applied.narrowed[0].size_bytes == 32 * 16 * 9 + 32 * 4 + 32
    assert initializers(applied.model)["conv2.weight_quantized"] == ir.DataType.INT8
    assert initializers(applied.model)["conv2.bias_quantized"] == ir.DataType.INT32


def test_static_relu_behind_a_filter_becomes_part_of_its_range(tmp_path: Path) -> None:
    ranges = ranges_of(onnx_models.conv_net(), images(5), tmp_path)
    found = operators(made_static(onnx_models.conv_net(), ranges, tmp_path).model)
    assert "Relu" not in found
    assert found["QuantizeLinear"] >= 3


@pytest.mark.parametrize(
    ("activation_type", "scheme", "tolerance"),
    [
        ("uint8", "w8_channel_a8_static", TOLERANCE),
        ("int8", "w8_channel_a8_static", TOLERANCE),
        ("uint16", "w8_channel_a16_static", 0.01),
        ("int16", "w8_channel_a16_static", 0.01),
    ],
)
def test_static_activations_of_each_type(
    activation_type: ActivationType, scheme: str, tolerance: float, tmp_path: Path
) -> None:
    settings = RecipeSettings(activations="static", activation_type=activation_type)
    ranges = ranges_of(two_layers(), vectors(20), tmp_path)
    params = static_params(settings=settings)
    applied = made_static(two_layers(), ranges, tmp_path, params)
    assert applied.scheme == scheme
    assert 0 < error_of(two_layers(), applied.model, vectors(1)[0], tmp_path) < tolerance


def test_static_uint8_weights(tmp_path: Path) -> None:
    ranges = ranges_of(two_layers(), vectors(20), tmp_path)
    applied = made_static(two_layers(), ranges, tmp_path, static_params("uint8"))
    assert applied.scheme == "w8u_channel_a8_static"
    assert initializers(applied.model)["first_quantized"] == ir.DataType.UINT8
    assert 0 < error_of(two_layers(), applied.model, vectors(1)[0], tmp_path) < TOLERANCE


def test_static_per_tensor_has_one_scale(tmp_path: Path) -> None:
    settings = RecipeSettings(activations="static", per_channel=False)
    ranges = ranges_of(two_layers(), vectors(20), tmp_path)
    applied = made_static(two_layers(), ranges, tmp_path, static_params(settings=settings))
    assert applied.scheme == "w8_tensor_a8_static"
    scale = applied.model.graph.initializers["first_scale"].const_value
    assert scale is not None
    assert scale.size == 1


def test_static_look_ups_are_stored_by_row(tmp_path: Path) -> None:
    proto = wide_embedding_net()
    samples = [Sample(n, {"ids": np.array([[n, 99 - n]], np.int64)}) for n in range(20)]
    applied = made_static(proto, ranges_of(proto, samples, tmp_path), tmp_path)
    assert {each.name: each.scheme for each in applied.narrowed} == {
        "pooler.weight": "w8_channel_a8_static",
        "table": "w8_row",
    }
    assert 0 < error_of(proto, applied.model, samples[0], tmp_path) < TOLERANCE


def test_static_product_without_a_range_stays_one_of_floats(tmp_path: Path) -> None:
    ranges = ranges_of(two_layers(), vectors(20), tmp_path)
    del ranges["y"]
    applied = made_static(two_layers(), ranges, tmp_path)
    assert {each.name: each.scheme for each in applied.narrowed} == {
        "first": "w8_channel_a8_static",
        "second": "w8_channel",
    }
    assert applied.notes == ("stored in 8 bits, but computed in floats: second",)
    assert 0 < error_of(two_layers(), applied.model, vectors(1)[0], tmp_path) < TOLERANCE


def test_static_leaves_branches_alone(tmp_path: Path) -> None:
    """Nothing to round outside of them: the model stays as it is, and the step says so."""
    assert made_static(lifted_if_net(), {}, tmp_path).narrowed == ()


def test_static_recurrences_are_stored_and_computed_in_floats(tmp_path: Path) -> None:
    proto = onnx_models.lstm_net()
    product = one_node("MatMul", [1, 32], weights_like(7, 32, 64), [1, 64])
    for part in ("node", "input", "output", "initializer"):
        for each in getattr(product.graph, part):
            copy = getattr(proto.graph, part).add()
            copy.CopyFrom(each)
            if part == "node":
                copy.input[:], copy.output[:] = ["extra", "w"], ["result"]
            elif part != "initializer":
                copy.name = {"x": "extra", "y": "result"}[copy.name]
    sample = Sample(
        0, {"x": floats(0, 5, 1, 8), "state": floats(1, 1, 1, 16), "extra": floats(2, 1, 32)}
    )
    applied = made_static(proto, ranges_of(proto, [sample], tmp_path), tmp_path)
    assert {each.name: each.scheme for each in applied.narrowed} == {
        "w": "w8_channel_a8_static",
        "lstm.R": "w8_channel",
    }
    assert applied.notes == ("stored in 8 bits, but computed in floats: lstm.R",)
    assert 0 < error_of(proto, applied.model, sample, tmp_path) < TOLERANCE


def test_static_overrides_and_excluded_nodes_stay_out_of_it(tmp_path: Path) -> None:
    overrides = (Override("/first", "q4", 32),)
    settings = RecipeSettings(activations="static", overrides=overrides)
    ranges = ranges_of(two_layers(), vectors(20), tmp_path)
    params = static_params(settings=settings)
    applied = made_static(two_layers(), ranges, tmp_path, params)
    assert {each.name: each.scheme for each in applied.narrowed} == {
        "first": "w4_g32_sym",
        "second": "w8_channel_a8_static",
    }
    kept = made_static(two_layers(), ranges, tmp_path, excluded=["/second"])
    assert [each.name for each in kept.narrowed] == ["first"]
    assert initializers(kept.model)["second"] == ir.DataType.FLOAT
    assert kept.notes == ("second (4.10 kB) stays float32: nodes_to_exclude names a reader",)


def test_static_raises_an_old_opset(tmp_path: Path) -> None:
    proto = one_node("Conv", [1, 16, 8, 8], weights_like(0, 16, 16, 3, 3), [1, 16, 6, 6])
    proto.opset_import[0].version = 9
    sample = Sample(0, {"x": floats(0, 1, 16, 8, 8)})
    applied = made_static(proto, ranges_of(proto, [sample], tmp_path), tmp_path)
    assert applied.model.opset_imports[""] == 13
    assert 0 < error_of(proto, applied.model, sample, tmp_path) < TOLERANCE


def test_static_opset_that_cannot_be_raised_is_refused(tmp_path: Path) -> None:
    proto = one_node("Conv", [1, 16, 8, 8], weights_like(0, 16, 16, 3, 3), [1, 16, 6, 6])
    proto.opset_import[0].version = 9
    proto.graph.node[0].op_type = "Unheard"
    proto.graph.output[0].CopyFrom(value("y", [1, 16, 6, 6]))
    with pytest.raises(
        StepError, match=r"MP-E451 activations: static .* opset 13; the model has 9"
    ):
        made_static(proto, {}, tmp_path)
