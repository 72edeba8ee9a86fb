from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from modelpack.graph.compatibility.table import shipped_table
from modelpack.graph.compatibility.typing import (
    bound_types,
    element_type,
    output_types,
    signature_of,
)


@pytest.mark.parametrize(
    ("number", "word"), [(TensorProto.FLOAT, "float"), (TensorProto.UINT4, "uint4"), (0, "")]
)
def test_element_type_is_the_word_of_constraints(number: int, word: str) -> None:
    assert element_type(number) == word


def test_signature_of_a_standard_operator_is_that_of_the_models_opset() -> None:
    node = helper.make_node("Softmax", ["x"], ["y"])
    eleven = signature_of(node, 12, shipped_table())
    thirteen = signature_of(node, 17, shipped_table())
    assert eleven is not None
    assert thirteen is not None
    assert (eleven.since, thirteen.since) == (11, 13)


def test_signature_of_an_unknown_operator_is_none() -> None:
    node = helper.make_node("Nothing", ["x"], ["y"], domain="com.microsoft")
    assert signature_of(node, 1, shipped_table()) is None
    assert signature_of(helper.make_node("Nothing", ["x"], ["y"]), 17, shipped_table()) is None


def test_output_types_follow_inputs_attributes_and_fixed_types() -> None:
    table = shipped_table()
    given = {"x": "float", "ids": "int64"}
    for node, expected in (
        (helper.make_node("Relu", ["x"], ["y"]), "float"),
        (helper.make_node("Shape", ["x"], ["y"]), "int64"),
        (helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT8), "int8"),
        (helper.make_node("Gather", ["x", "ids"], ["y"]), "float"),
        (helper.make_node("Constant", [], ["y"], value_ints=[1]), "int64"),
        (helper.make_node("ConstantOfShape", ["ids"], ["y"]), "float"),
        (helper.make_node("Concat", ["ids", "ids"], ["y"], axis=0), "int64"),
    ):
        signature = signature_of(node, 17, table)
        assert signature is not None
        assert output_types(node, signature, bound_types(node, signature, given)) == {"y": expected}
