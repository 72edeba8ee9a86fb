from __future__ import annotations

from types import SimpleNamespace

import pytest
from onnx import TensorProto, helper

from modelpack.export.sizes import fix_sizes, fixed_sizes


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"hidden_size": 4}, {}),
        ({"num_channels": 3}, {"num_channels": 3}),
        ({"num_channels": 1, "image_size": 30}, {"num_channels": 1, "height": 30, "width": 30}),
        ({"image_size": [20, 30]}, {"height": 20, "width": 30}),
        ({"image_size": None}, {}),
    ],
)
def test_sizes_are_those_the_configuration_fixes(
    attributes: dict[str, object], expected: dict[str, int]
) -> None:
    assert fixed_sizes(SimpleNamespace(**attributes)) == expected
    assert fixed_sizes(SimpleNamespace(vision_config=SimpleNamespace(**attributes))) == expected


def test_sizes_take_the_place_of_names() -> None:
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "height", 3])
    model = helper.make_model(helper.make_graph([], "g", [image], []))
    assert fix_sizes(model, {"height": 30, "width": 20})
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 30, 3]
    assert not fix_sizes(model, {"height": 30})
