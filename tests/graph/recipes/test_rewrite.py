from __future__ import annotations

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.rewrite import Builder, replace_node
from tests.support import onnx_models
from tests.support.recipes import initializers, lifted_if_net


def test_builder_initializer_takes_a_free_name() -> None:
    model = ir.from_proto(onnx_models.mlp())
    builder = Builder(model)
    names = [builder.initializer("fc1.weight", np.zeros(1, np.float32)).name for _ in range(2)]
    assert names == ["fc1.weight_1", "fc1.weight_2"]


def test_builder_names_inside_subgraphs_are_taken() -> None:
    builder = Builder(ir.from_proto(lifted_if_net()))
    assert builder.node("Relu", [None], "then_y").outputs[0].name == "then_y_1"


def test_builder_drop_unused_keeps_what_is_read() -> None:
    model = ir.from_proto(onnx_models.mlp())
    builder = Builder(model)
    builder.initializer("dead", np.zeros(1, np.float32))
    builder.drop_unused()
    assert set(initializers(model)) == {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}


def test_replace_node_takes_over_the_graph_output() -> None:
    model = ir.from_proto(onnx_models.mlp())
    gemm = model.graph.node("/fc2/Gemm")
    made = Builder(model).node("Identity", [gemm.inputs[0]], "new")
    replace_node(gemm, [made])
    assert model.graph.outputs[0] is made.outputs[0]
    assert made.outputs[0].name == "logits"
    assert made.outputs[0].dtype == ir.DataType.FLOAT
