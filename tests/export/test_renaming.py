from __future__ import annotations

import onnx
from onnx import parser

from modelpack.export.renaming import open_dimensions, rename

TEXT = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 2] "x:0", bool c) => (float[N, M] "y:0")
{
    x = Relu ("x:0")
    "y:0" = If (c) <
        then_branch = t () => (float[N, M] r) { r = Add (x, "x:0") },
        else_branch = e () => (float[N, M] s) { s = Neg ("x:0") }
    >
}
"""


def model() -> onnx.ModelProto:
    return parser.parse_model(TEXT.replace('"x:0"', "x_0").replace('"y:0"', "y_0"))


def test_rename_reaches_every_use_and_moves_who_had_the_name() -> None:
    made = model()
    rename(made, {"x_0": "x", "y_0": "y"})
    onnx.checker.check_model(made)
    assert [value.name for value in (*made.graph.input, *made.graph.output)] == ["x", "c", "y"]
    relu, choice = made.graph.node
    assert (list(relu.input), list(relu.output)) == (["x"], ["x__inner"])
    branches = {one.name: one.g.node[0] for one in choice.attribute}
    assert list(branches["then_branch"].input) == ["x__inner", "x"]
    assert list(branches["else_branch"].input) == ["x"]


def test_open_dimensions_are_called_batch_and_after_their_value() -> None:
    made = model()
    open_dimensions(made)
    shapes = [
        [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*made.graph.input, *made.graph.output)
    ]
    assert shapes == [["batch", 2], [], ["batch", "y_0_1"]]
