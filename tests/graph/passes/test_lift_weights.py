from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from modelpack.graph.passes.lift_weights import LiftWeightsPass
from modelpack.graph.passes.name_nodes import NameNodesPass
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.passes import apply, computes_the_same


def weight_names(model: onnx.ModelProto) -> list[str]:
    return [weight.name for weight in model.graph.initializer]


def with_constant(elements: int) -> onnx.ModelProto:
    weight = tensor("", weights_like(0, elements))
    nodes = [
        helper.make_node("Constant", [], ["w"], "/w", value=weight),
        helper.make_node("Add", ["x", "w"], ["y"], "/add"),
    ]
    return onnx_models.model(nodes, [value("x", [elements])], [value("y", [elements])], [])


def test_lift_weights_lifts_constants_of_subgraphs_to_the_main_graph() -> None:
    before = onnx_models.if_net()

    after, modified = apply(LiftWeightsPass(), before)

    assert modified
    assert sorted(weight_names(after)) == ["else_w", "then_w"]
    branches = [attribute.g for attribute in after.graph.node[0].attribute]
    assert [len(branch.node) for branch in branches] == [1, 1]
    assert [len(branch.initializer) for branch in branches] == [0, 0]
    assert computes_the_same(before, after)


def test_lift_weights_lifts_initialisers_of_subgraphs_to_the_main_graph() -> None:
    before = onnx_models.if_net()
    for attribute in before.graph.node[0].attribute:
        constant = attribute.g.node.pop(0)
        constant.attribute[0].t.name = constant.output[0]
        attribute.g.initializer.append(constant.attribute[0].t)

    after, modified = apply(LiftWeightsPass(), before)

    assert modified
    assert sorted(weight_names(after)) == ["else_w", "then_w"]
    assert computes_the_same(before, after)


def test_lift_weights_lifts_from_the_size_on() -> None:
    after, modified = apply(LiftWeightsPass(), with_constant(128))

    assert (weight_names(after), modified) == (["w"], True)


def test_lift_weights_leaves_smaller_constants() -> None:
    after, modified = apply(LiftWeightsPass(), with_constant(127))

    assert (weight_names(after), modified) == ([], False)


def test_lift_weights_leaves_a_constant_that_is_an_output() -> None:
    before = with_constant(128)
    before.graph.output.append(value("w", [128]))

    after, modified = apply(LiftWeightsPass(), before)

    assert (weight_names(after), modified) == ([], False)


def test_lift_weights_of_one_name_in_two_branches_stay_apart() -> None:
    before = onnx_models.if_net()
    for attribute in before.graph.node[0].attribute:
        attribute.g.node[0].output[0] = attribute.g.node[1].input[1] = "w"

    after, _ = apply(LiftWeightsPass(), before)

    assert sorted(weight_names(after)) == ["w", "w_1"]
    assert computes_the_same(before, after)


def test_lift_weights_does_not_disturb_a_value_of_the_same_name_elsewhere() -> None:
    before = onnx_models.if_net()
    other = before.graph.node[0].attribute[0].g
    small = tensor("", np.array(0.5, np.float32))
    other.node.insert(0, helper.make_node("Constant", [], ["then_w"], value=small))
    other.node.append(helper.make_node("Mul", ["else_y", "then_w"], ["scaled"]))
    other.output[0].CopyFrom(value("scaled", [1, 32]))

    lifted, _ = apply(LiftWeightsPass(), before)
    after, renamed = apply(NameNodesPass(), lifted)

    assert renamed
    assert computes_the_same(before, after)


def test_lift_weights_without_any_changes_nothing() -> None:
    before = onnx_models.mlp()

    after, modified = apply(LiftWeightsPass(), before)

    assert not modified
    assert weight_names(after) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]


def test_lift_weights_keeps_whole_numbers() -> None:
    nodes = [
        helper.make_node("Constant", [], ["w"], value=tensor("", np.arange(200))),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    inputs = [value("x", [200], TensorProto.INT64)]
    before = onnx_models.model(nodes, inputs, [value("y", [200], TensorProto.INT64)], [])

    after, _ = apply(LiftWeightsPass(), before)

    assert computes_the_same(before, after)
