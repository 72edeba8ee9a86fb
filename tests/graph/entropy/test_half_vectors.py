from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper

from modelpack.graph.entropy.half_vectors import halve_vectors
from modelpack.graph.recipes.rewrite import Builder
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value
from tests.support.recipes import floats


def halved(*excluded: str, bias: float = 1.0, operator: str = "Add") -> set[str]:
    """The names of what is float16 after it: a bias of 32, one of 31, one of a node in `excluded`."""
    sizes = (32, 31, 300)
    nodes = [
        helper.make_node(operator, [f"x{size}", f"b{size}"], [f"y{size}"], f"/add{size}")
        for size in sizes
    ]
    weights = [tensor(f"b{size}", np.float32(bias) * floats(0, size)) for size in sizes]
    inputs = [value(f"x{size}", [1, size]) for size in sizes]
    outputs = [value(f"y{size}", [1, size]) for size in sizes]
    model = ir.from_proto(onnx_models.model(nodes, inputs, outputs, weights))
    halve_vectors(Builder(model), excluded)
    model.graph.sort()
    onnx.checker.check_model(ir.to_proto(model))
    halves = onnx.TensorProto.FLOAT16
    return {each.name for each in ir.to_proto(model).graph.initializer if each.data_type == halves}


def test_halve_vectors_stores_long_biases() -> None:
    assert halved() == {"b32_fp16", "b300_fp16"}


def test_halve_vectors_leaves_what_excluded_nodes_read() -> None:
    assert halved("/add300") == {"b32_fp16"}


def test_halve_vectors_leaves_what_float16_cannot_hold() -> None:
    assert halved(bias=1e6) == set()


def test_halve_vectors_leaves_operators_that_amplify_errors() -> None:
    assert halved(operator="Div") == set()
