from __future__ import annotations

from modelpack.graph.passes.name_nodes import NameNodesPass
from tests.support import onnx_models
from tests.support.passes import apply, computes_the_same


def test_name_nodes_names_nodes_after_operator_and_output() -> None:
    before = onnx_models.mlp()
    for node in before.graph.node:
        node.name = ""

    after, modified = apply(NameNodesPass(), before)

    assert modified
    assert [node.name for node in after.graph.node] == [
        "MatMul_h",
        "Add_hb",
        "Relu_hr",
        "Gemm_logits",
    ]
    assert computes_the_same(before, after)


def test_name_nodes_numbers_names_that_come_twice() -> None:
    before = onnx_models.mlp()
    for node in before.graph.node:
        node.name = "same"

    after, modified = apply(NameNodesPass(), before)

    assert modified
    assert [node.name for node in after.graph.node] == ["same", "same_1", "same_2", "same_3"]


def test_name_nodes_reaches_subgraphs() -> None:
    before = onnx_models.if_net()
    for attribute in before.graph.node[0].attribute:
        for node in attribute.g.node:
            node.name = ""

    after, modified = apply(NameNodesPass(), before)

    branch = after.graph.node[0].attribute[0].g
    assert modified
    assert [node.name for node in branch.node] == ["Constant_else_w", "MatMul_else_y"]


def test_name_nodes_leaves_unique_names() -> None:
    after, modified = apply(NameNodesPass(), onnx_models.mlp())

    assert not modified
    assert [node.name for node in after.graph.node] == [
        "/fc1/MatMul",
        "/fc1/Add",
        "/relu",
        "/fc2/Gemm",
    ]


def test_name_nodes_leaves_out_what_is_left_out() -> None:
    before = onnx_models.lstm_net()
    before.graph.output.pop(0)
    before.graph.node[0].output[0] = ""

    after, modified = apply(NameNodesPass(), before)

    assert not modified
    assert list(after.graph.node[0].output)[:2] == ["", "stateN"]
