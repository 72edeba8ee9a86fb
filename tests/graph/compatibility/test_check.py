from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from modelpack.graph.compatibility.check import Checked, check_graph
from modelpack.graph.compatibility.support import support_of
from modelpack.graph.compatibility.table import shipped_table
from tests.support import onnx_models


def check(model: onnx.ModelProto, device: str = "webgpu") -> Checked:
    support = support_of(shipped_table(), "1.30.0", device)
    assert support is not None
    return check_graph(model, support, shipped_table())


def graph(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, int],
    outputs: dict[str, int],
    weights: tuple[onnx.TensorProto, ...] = (),
) -> onnx.ModelProto:
    values = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "g",
        [values(name, kind, None) for name, kind in inputs.items()],
        [values(name, kind, None) for name, kind in outputs.items()],
        weights,
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(made, opset_imports=imports)


def integer_product() -> onnx.ModelProto:
    node = helper.make_node
    return graph(
        [
            node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], "quantize"),
            node("MatMulInteger", ["q", "w", "z"], ["i"], "product"),
            node("Cast", ["i"], ["f"], "cast", to=TensorProto.FLOAT),
            node("Mul", ["f", "s"], ["y"], "scale"),
        ],
        {"x": TensorProto.FLOAT},
        {"y": TensorProto.FLOAT},
        (helper.make_tensor("w", TensorProto.INT8, [4, 4], [1] * 16),),
    )


def test_check_graph_that_the_device_runs_finds_nothing() -> None:
    for device in ("wasm", "webgpu"):
        checked = check(onnx_models.conv_net(), device)
        assert checked.found == ()
        assert checked.on_processor == 0
        assert checked.on_device == len(onnx_models.conv_net().graph.node)


def test_check_integer_products_fall_back_from_webgpu_and_are_named() -> None:
    checked = check(integer_product())
    assert [(one.node, one.operator, one.since, one.place) for one in checked.found] == [
        ("quantize", "DynamicQuantizeLinear", 11, "wasm"),
        ("product", "MatMulInteger", 10, "wasm"),
    ]
    assert checked.found[1].types == (("T1", "uint8"), ("T2", "int8"))
    assert check(integer_product(), "wasm").found == ()


def test_check_look_up_of_integers_by_token_ids_is_on_the_processor_anyway() -> None:
    node = helper.make_node
    model = graph(
        [
            node("Gather", ["table", "ids"], ["row"], "look up"),
            node("Cast", ["row"], ["floats"], "cast", to=TensorProto.FLOAT),
            node("Relu", ["floats"], ["y"], "relu"),
        ],
        {"ids": TensorProto.INT64},
        {"y": TensorProto.FLOAT},
        (helper.make_tensor("table", TensorProto.INT8, [4, 4], [1] * 16),),
    )
    checked = check(model)
    assert checked.found == ()
    assert (checked.on_device, checked.on_processor) == (1, 2)


def test_check_integers_that_the_device_computed_do_not_lie_on_the_processor() -> None:
    node = helper.make_node
    model = graph(
        [
            node("ArgMax", ["x"], ["best"], "best", keepdims=0),
            node("Unsqueeze", ["best", "axes"], ["y"], "unsqueeze"),
        ],
        {"x": TensorProto.FLOAT},
        {"y": TensorProto.INT64},
        (helper.make_tensor("axes", TensorProto.INT64, [1], [0]),),
    )
    (found,) = check(model).found
    assert (found.node, found.place, found.types[0]) == ("unsqueeze", "wasm", ("T", "int64"))


def test_check_shapes_lie_on_the_processor_wherever_they_come_from() -> None:
    node = helper.make_node
    model = graph(
        [
            node("Relu", ["x"], ["r"], "relu"),
            node("Shape", ["r"], ["shape"], "shape"),
            node("Gather", ["shape", "zero"], ["batch"], "batch"),
            node("Unsqueeze", ["batch", "axes"], ["first"], "first"),
            node("Concat", ["first", "rest"], ["wanted"], "wanted", axis=0),
            node("Reshape", ["r", "wanted"], ["y"], "reshape"),
        ],
        {"x": TensorProto.FLOAT},
        {"y": TensorProto.FLOAT},
        (
            helper.make_tensor("zero", TensorProto.INT64, [], [0]),
            helper.make_tensor("axes", TensorProto.INT64, [1], [0]),
            helper.make_tensor("rest", TensorProto.INT64, [1], [-1]),
        ),
    )
    assert check(model).found == ()


def test_check_looks_into_branches() -> None:
    model = onnx_models.if_net()
    (branches,) = (node for node in model.graph.node if node.op_type == "If")
    branch = branches.attribute[0].g
    last = branch.node[-1]
    branch.node.append(helper.make_node("Round", [last.output[0]], ["rounded"], "inside"))
    branch.node.append(helper.make_node("Det", ["rounded"], ["determinant"], "fails"))
    assert [(one.node, one.place) for one in check(model).found] == [
        ("inside", "wasm"),
        ("fails", "wasm"),
    ]


def test_check_operator_nobody_describes_is_passed_over() -> None:
    node = helper.make_node("Nothing", ["x"], ["y"], "odd", domain="com.example")
    model = graph([node], {"x": TensorProto.FLOAT}, {"y": TensorProto.FLOAT})
    assert check(model).found == ()


def test_check_contributed_operators_give_types_to_what_follows() -> None:
    product = helper.make_node(
        "MatMulNBits", ["x", "b", "s"], ["p"], "product", domain="com.microsoft",
        K=32, N=4, bits=4, block_size=32,
    )  # fmt: skip
    model = graph(
        [product, helper.make_node("NonZero", ["p"], ["y"], "nonzero")],
        {"x": TensorProto.FLOAT, "b": TensorProto.UINT8, "s": TensorProto.FLOAT},
        {"y": TensorProto.INT64},
    )
    (found,) = check(model).found
    assert (found.node, found.types) == ("nonzero", (("T", "float"),))
