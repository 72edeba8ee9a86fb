from __future__ import annotations

from onnx import helper

from modelpack.graph.walk import node_label, nodes, scopes, tensors
from tests.support import onnx_models


def test_walk_reaches_subgraphs_and_functions() -> None:
    model = onnx_models.if_net()
    body = [helper.make_node("Relu", ["a"], ["b"], "/body")]
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("local", "f", ["a"], ["b"], body, opsets))

    assert [(scope.name, scope.depth) for scope in scopes(model)] == [
        ("test", 0),
        ("else", 1),
        ("then", 1),
        ("f", 0),
    ]
    assert [node.name for node in nodes(model)] == [
        "/if",
        "/else/Constant",
        "/else/MatMul",
        "/then/Constant",
        "/then/MatMul",
        "/body",
    ]


def test_walk_tells_weights_from_other_tensors() -> None:
    model = onnx_models.if_net()
    model.graph.initializer.append(onnx_models.tensor("w", onnx_models.weights_like(0, 4)))
    fill = onnx_models.tensor("", onnx_models.weights_like(0, 1))
    node = helper.make_node("ConstantOfShape", ["shape"], ["z"], "/fill", value=fill)
    model.graph.node.append(node)

    found = [(named.name, named.is_weight, named.is_initializer) for named in tensors(model)]

    assert found == [
        ("w", True, True),
        ("/fill", False, False),
        ("else_w", True, False),
        ("then_w", True, False),
    ]


def test_node_label_is_what_a_person_can_look_for() -> None:
    assert node_label(helper.make_node("Relu", ["x"], ["y"], "/relu")) == "/relu"
    assert node_label(helper.make_node("Relu", ["x"], ["y"])) == "Relu → y"
    assert node_label(helper.make_node("Relu", ["x"], [])) == "Relu"
