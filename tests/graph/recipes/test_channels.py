from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from modelpack.graph.recipes.channels import pad_channels
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import floats, narrowed, operators, outputs


def filter_net(
    channels: int, made: int, kernel: tuple[int, ...], **attributes: object
) -> onnx.ModelProto:
    """`x` float32 [1, channels × group, 8, …] through one filter to `y`."""
    group = attributes.get("group", 1)
    assert isinstance(group, int)
    sizes = [1, channels * group, *(8 for _ in kernel)]
    node = helper.make_node("Conv", ["x", "w"], ["y"], "/conv", **attributes)
    return onnx_models.model(
        [node],
        [value("x", sizes)],
        [value("y", [1, made, *(f"size{axis}" for axis in range(len(kernel)))])],
        [tensor("w", weights_like(1, made, channels, *kernel))],
    )


@pytest.mark.parametrize("channels", [6, 9, 15, 33, 129])
@pytest.mark.parametrize("kernel", [(3,), (3, 3), (1, 3)])
def test_pad_channels_fills_threes_up_to_fours(
    channels: int, kernel: tuple[int, ...], tmp_path: Path
) -> None:
    proto = filter_net(channels, 8, kernel)
    model = ir.from_proto(proto)
    assert pad_channels(model) == ("/conv",)
    assert operators(model) == {"Pad": 2, "Conv": 1}
    feeds = {"x": floats(2, 1, channels, *(8 for _ in kernel))}
    (padded,) = (node for node in model.graph if node.op_type == "Conv")
    assert [each.name for each in padded.inputs if each is not None] == ["x_padded", "w_padded"]
    expected = outputs(proto, feeds, tmp_path)["y"]
    np.testing.assert_allclose(outputs(model, feeds, tmp_path)["y"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "made", "kernel", "attributes"),
    [
        (3, 8, (3, 3), {}),
        (4, 8, (3, 3), {}),
        (5, 8, (3, 3), {}),
        (12, 8, (3, 3), {}),
        (9, 6, (3, 3), {}),
        (9, 7, (3, 3), {}),
        (9, 8, (3, 3), {"group": 2}),
        (9, 8, (1, 1), {}),
        (9, 8, (3, 3, 3), {}),
    ],
)
def test_pad_channels_leaves_what_is_computed_rightly(
    channels: int, made: int, kernel: tuple[int, ...], attributes: dict[str, object]
) -> None:
    model = ir.from_proto(filter_net(channels, made, kernel, **attributes))
    assert pad_channels(model) == ()
    assert operators(model) == {"Conv": 1}


@pytest.mark.parametrize("attributes", [{"strides": [2, 2]}, {"pads": [1] * 4}])
def test_pad_channels_fills_products_that_are_not_plain(attributes: dict[str, object]) -> None:
    assert pad_channels(ir.from_proto(filter_net(9, 8, (1, 1), **attributes))) == ("/conv",)


def test_pad_channels_of_an_old_opset_has_pads_as_an_attribute(tmp_path: Path) -> None:
    proto = filter_net(9, 8, (3, 3))
    proto.opset_import[0].version = 9
    model = ir.from_proto(proto)
    assert pad_channels(model) == ("/conv",)
    feeds = {"x": floats(2, 1, 9, 8, 8)}
    expected = outputs(proto, feeds, tmp_path)["y"]
    np.testing.assert_allclose(outputs(model, feeds, tmp_path)["y"], expected, atol=1e-5)


def test_pad_channels_knows_filters_that_are_stored_in_integers(tmp_path: Path) -> None:
    proto = filter_net(33, 32, (3, 3))
    applied = narrowed(proto, "q8", "webgpu")
    feeds = {"x": floats(2, 1, 33, 8, 8)}
    expected = outputs(applied.model, feeds, tmp_path)["y"]
    assert pad_channels(applied.model) == ("/conv",)
    np.testing.assert_allclose(outputs(applied.model, feeds, tmp_path)["y"], expected, atol=1e-5)


def test_pad_channels_reaches_into_branches(tmp_path: Path) -> None:
    inner = filter_net(9, 8, (3,)).graph
    branches = [
        helper.make_graph(
            [helper.make_node("Conv", ["x", "w"], ["y"], f"/conv_{name}")],
            name,
            [],
            [value("y", [1, 8, 6])],
        )
        for name in ("then", "else")
    ]
    node = helper.make_node(
        "If", ["flag"], ["out"], "/if", then_branch=branches[0], else_branch=branches[1]
    )
    flag = helper.make_tensor_value_info("flag", onnx.TensorProto.BOOL, [])
    proto = onnx_models.model(
        [node], [value("x", [1, 9, 8]), flag], [value("out", [1, 8, 6])], list(inner.initializer)
    )
    model = ir.from_proto(proto)
    assert set(pad_channels(model)) == {"/conv_then", "/conv_else"}
    feeds = {"x": floats(2, 1, 9, 8), "flag": np.array(True)}
    expected = outputs(proto, feeds, tmp_path)["out"]
    np.testing.assert_allclose(outputs(model, feeds, tmp_path)["out"], expected, atol=1e-5)
