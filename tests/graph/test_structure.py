from __future__ import annotations

import time

import onnx
import pytest
from onnx import TensorProto, helper

from modelpack.errors import SourceError
from modelpack.graph.structure import check_structure
from tests.support import onnx_models
from tests.support.onnx_models import value


def chain(length: int) -> onnx.ModelProto:
    nodes = [helper.make_node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(length)]
    return onnx_models.model(nodes, [value("v0", [1])], [value(f"v{length}", [1])], [])


@pytest.mark.parametrize(
    "build",
    [
        onnx_models.mlp,
        onnx_models.conv_net,
        onnx_models.if_net,
        onnx_models.lstm_net,
        onnx_models.embedding_net,
    ],
)
def test_structure_of_a_good_model_passes(build: onnx_models.Builder) -> None:
    check_structure(build())


def test_structure_of_many_nodes_is_checked_quickly() -> None:
    start_s = time.perf_counter()
    check_structure(chain(20_000))

    assert time.perf_counter() - start_s < 60  # a quadratic check takes minutes


def test_structure_of_many_nodes_in_reverse_passes() -> None:
    model = chain(2000)
    nodes = list(reversed(model.graph.node))
    del model.graph.node[:]
    model.graph.node.extend(nodes)

    check_structure(model)


def test_structure_subgraph_reads_what_comes_later_outside() -> None:
    model = onnx_models.if_net()
    branch = model.graph.node[0].attribute[0].g
    branch.node[1].input[0] = "late"
    model.graph.node.append(helper.make_node("Relu", ["x"], ["late"]))

    check_structure(model)


def test_structure_names_inside_a_subgraph_are_not_seen_outside() -> None:
    model = onnx_models.if_net()
    model.graph.node.append(helper.make_node("Relu", ["then_w"], ["z"], "/outer"))

    with pytest.raises(SourceError, match='node "/outer" reads "then_w", which nothing makes'):
        check_structure(model)


def test_structure_output_of_a_subgraph_may_come_from_outside() -> None:
    model = onnx_models.if_net()
    model.graph.node[0].attribute[0].g.output[0].name = "x"

    check_structure(model)


def test_structure_function_body_reads_only_its_own_names() -> None:
    model = onnx_models.mlp()
    body = [helper.make_node("Relu", ["x"], ["b"], "/body")]
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("local", "f", ["a"], ["b"], body, opsets))

    with pytest.raises(SourceError, match='node "/body" reads "x", which nothing makes'):
        check_structure(model)


def test_structure_functions_of_one_name_are_refused() -> None:
    model = onnx_models.mlp()
    body = [helper.make_node("Relu", ["a"], ["b"])]
    opsets = [helper.make_opsetid("", 17)]
    for _ in range(2):
        model.functions.append(helper.make_function("local", "f", ["a"], ["b"], body, opsets))

    with pytest.raises(SourceError, match="two functions have the same name"):
        check_structure(model)


def test_structure_left_out_inputs_and_outputs_are_no_names() -> None:
    nodes = [helper.make_node("Clip", ["x", "", "high"], ["y"])]
    inputs = [value("x", [1]), value("high", [], TensorProto.FLOAT)]

    check_structure(onnx_models.model(nodes, inputs, [value("y", [1])], []))
