from __future__ import annotations

from pathlib import Path

import onnx_ir as ir
import pytest

from modelpack.graph.sessions import open_session, session_inputs
from modelpack.graph.values import dtype_word, input_facts, output_facts, proto_facts
from modelpack.record import ValueFacts
from tests.support import onnx_models

IDS = ValueFacts("ids", "int64", ("batch", "sequence"))
EMBEDDING = ValueFacts("embedding", "float32", ("batch", 16))


def test_values_are_the_same_in_every_library(tmp_path: Path) -> None:
    proto = onnx_models.embedding_net()
    graph = ir.from_proto(proto).graph
    session = open_session(onnx_models.write(proto, tmp_path / "model.onnx"))

    assert input_facts(graph) == proto_facts(proto.graph.input) == session_inputs(session) == (IDS,)
    assert output_facts(graph) == proto_facts(proto.graph.output) == (EMBEDDING,)


def test_values_open_dimension_without_a_name_is_none() -> None:
    proto = onnx_models.mlp()
    proto.graph.input[0].type.tensor_type.shape.dim[0].Clear()

    assert proto_facts(proto.graph.input) == (ValueFacts("x", "float32", (None, 32)),)
    assert input_facts(ir.from_proto(proto).graph) == (ValueFacts("x", "float32", (None, 32)),)


def test_values_weights_listed_as_inputs_are_no_inputs() -> None:
    proto = onnx_models.mlp()
    proto.graph.input.append(onnx_models.value("fc1.bias", [64]))

    assert [value.name for value in input_facts(ir.from_proto(proto).graph)] == ["x"]


@pytest.mark.parametrize(
    ("dtype", "word"),
    [
        (ir.DataType.FLOAT, "float32"),
        (ir.DataType.DOUBLE, "float64"),
        (ir.DataType.BOOL, "bool"),
        (ir.DataType.STRING, "string"),
        (ir.DataType.UINT4, "uint4"),
        (ir.DataType.UNDEFINED, "unknown"),
        (None, "unknown"),
    ],
)
def test_dtype_words_are_those_of_onnxruntime_web(dtype: ir.DataType | None, word: str) -> None:
    assert dtype_word(dtype) == word
