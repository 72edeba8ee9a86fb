from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelpack.errors import SourceError
from modelpack.planned import InspectParams
from modelpack.record import Measurement, ModelFacts, TensorFacts, ValueFacts
from modelpack.spec.golden import StatePair
from modelpack.steps.contract import StepOutput
from modelpack.steps.inspect import run
from tests.support import onnx_models
from tests.support.bad_graphs import BAD_GRAPHS, nested
from tests.support.bad_tensors import BAD_TENSORS
from tests.support.onnx_models import tensor
from tests.support.steps import step_input

BAD_MODELS = BAD_GRAPHS | BAD_TENSORS
NOTHING = InspectParams((), (), ())


def inspect(
    model: onnx.ModelProto, folder: Path, params: InspectParams = NOTHING
) -> tuple[ModelFacts, StepOutput]:
    path = onnx_models.write(model, folder / "model.onnx")
    output = run(step_input(params, folder, model=path))
    (file,) = output.files
    assert (file.role, file.path.name) == ("facts", "facts.json")
    return msgspec.json.decode(file.path.read_bytes(), type=ModelFacts), output


@pytest.mark.parametrize("name", BAD_MODELS)
def test_inspect_bad_model_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    build, expected = BAD_MODELS[name]

    with pytest.raises(SourceError) as caught:
        inspect(build(), tmp_path)

    assert str(caught.value) == expected
    assert "\n" not in expected


@pytest.mark.parametrize("content", [b"\x08\x08\x3a\x05ab", b"\x0a", b"\x3a\x03\x0a\x01\xff\xff"])
def test_inspect_broken_bytes_are_no_model(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)

    with pytest.raises(SourceError, match="MP-E205 the file is cut off or is not an ONNX model"):
        run(step_input(NOTHING, tmp_path, model=tmp_path / "model.onnx"))


def test_inspect_text_that_is_not_utf8_is_no_model(tmp_path: Path) -> None:
    content = onnx_models.write_external_model(tmp_path, "w.bin").read_bytes()
    (tmp_path / "model.onnx").write_bytes(content.replace(b"w.bin", b"w\xff\xfen"))

    with pytest.raises(SourceError, match="MP-E205"):
        run(step_input(NOTHING, tmp_path, model=tmp_path / "model.onnx"))


def test_inspect_model_gives_its_facts(tmp_path: Path) -> None:
    facts, output = inspect(onnx_models.mlp(), tmp_path)

    assert facts == ModelFacts(
        ir_version=8,
        opsets=(("", 17),),
        operators=(("Add", 1), ("Gemm", 1), ("MatMul", 1), ("Relu", 1)),
        inputs=(ValueFacts("x", "float32", ("batch", 32)),),
        outputs=(ValueFacts("logits", "float32", ("batch", 10)),),
        tensors=(
            TensorFacts("fc1.weight", "float32", (32, 64), 8192, ("/fc1/MatMul",)),
            TensorFacts("fc1.bias", "float32", (64,), 256, ("/fc1/Add",)),
            TensorFacts("fc2.weight", "float32", (10, 64), 2560, ("/fc2/Gemm",)),
            TensorFacts("fc2.bias", "float32", (10,), 40, ("/fc2/Gemm",)),
        ),
    )
    assert output.measurements == (
        Measurement("nodes", 4),
        Measurement("weightBytes", 11048),
        Measurement("opset", 17),
    )
    assert output.notes == ()


def test_inspect_external_model_needs_no_data_file(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = onnx_models.write_external_model(tmp_path / "elsewhere", "data/w.bin")
    (tmp_path / "elsewhere/data/w.bin").unlink()

    output = run(step_input(NOTHING, tmp_path, model=path))

    facts = msgspec.json.decode(output.files[0].path.read_bytes(), type=ModelFacts)
    assert [(t.location, t.offset_bytes, t.size_bytes) for t in facts.tensors] == [
        ("data/w.bin", 0, 8192),
        ("data/w.bin", 8192, 256),
        ("data/w.bin", 8448, 2560),
        ("data/w.bin", 11008, 40),
    ]


def test_inspect_weights_in_constants_of_subgraphs_are_listed(tmp_path: Path) -> None:
    facts, _ = inspect(onnx_models.if_net(), tmp_path)

    assert facts.tensors == (
        TensorFacts("else_w", "float32", (16, 32), 2048, ("/else/MatMul",)),
        TensorFacts("then_w", "float32", (16, 32), 2048, ("/then/MatMul",)),
    )


def test_inspect_small_constants_are_no_weights(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    small = tensor("", np.ones(255, np.float32))
    model.graph.node.append(helper.make_node("Constant", [], ["small"], value=small))

    facts, _ = inspect(model, tmp_path)

    assert "small" not in [weight.name for weight in facts.tensors]


def test_inspect_weights_listed_as_inputs_are_not_inputs(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    model.ir_version = 3
    for weight in model.graph.initializer:
        model.graph.input.append(onnx_models.value(weight.name, list(weight.dims)))

    facts, _ = inspect(model, tmp_path)

    assert [value.name for value in facts.inputs] == ["x"]


def test_inspect_unused_domains_are_no_reason_to_refuse(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    model.opset_import.add(domain="com.microsoft.mlfeaturizers", version=1)

    facts, _ = inspect(model, tmp_path)

    assert facts.opsets == (("", 17), ("com.microsoft.mlfeaturizers", 1))


def test_inspect_operators_of_other_domains_carry_their_domain(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    model.opset_import.add(domain="com.microsoft", version=1)
    model.graph.node.append(helper.make_node("Gelu", ["x"], ["z"], domain="com.microsoft"))

    facts, _ = inspect(model, tmp_path)

    assert ("com.microsoft:Gelu", 1) in facts.operators


def test_inspect_functions_of_the_model_are_no_foreign_operators(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    model.opset_import.add(domain="local", version=1)
    opsets = [helper.make_opsetid("", 17)]
    body = [helper.make_node("Relu", ["a"], ["b"])]
    model.functions.append(helper.make_function("local", "f", ["a"], ["b"], body, opsets))
    model.graph.node.append(helper.make_node("f", ["x"], ["z"], domain="local"))

    inspect(model, tmp_path)


def test_inspect_unsorted_graph_is_accepted(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    nodes = list(model.graph.node)
    model.graph.ClearField("node")
    model.graph.node.extend(reversed(nodes))

    inspect(model, tmp_path)


def test_inspect_nesting_up_to_the_limit_is_accepted(tmp_path: Path) -> None:
    inspect(nested(24), tmp_path)


def test_inspect_infinite_values_are_noted(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    model.graph.initializer.append(tensor("mask", np.array([0, -np.inf, np.inf], np.float32)))

    _, output = inspect(model, tmp_path)

    assert output.notes == (
        'infinite values in tensor "mask": 2; masks have them, weights should not',
    )


@pytest.mark.parametrize(
    ("dtype", "elements", "size_bytes", "word"),
    [
        (TensorProto.INT4, 3, 2, "int4"),
        (TensorProto.UINT4, 4, 2, "uint4"),
        (TensorProto.BFLOAT16, 3, 6, "bfloat16"),
        (TensorProto.FLOAT8E4M3FN, 3, 3, "float8_e4m3fn"),
        (TensorProto.DOUBLE, 3, 24, "float64"),
        (TensorProto.BOOL, 0, 0, "bool"),
    ],
)
def test_inspect_rare_types_have_their_size(
    tmp_path: Path, dtype: int, elements: int, size_bytes: int, word: str
) -> None:
    model = onnx_models.mlp()
    model.graph.initializer.add(
        name="rare", data_type=dtype, dims=[elements], raw_data=bytes(size_bytes)
    )

    facts, _ = inspect(model, tmp_path)

    assert facts.tensors[-1] == TensorFacts("rare", word, (elements,), size_bytes)


def test_inspect_tensors_that_share_all_their_bytes_are_accepted(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    for index in (0, 1):
        copy = model.graph.initializer.add(name=f"copy{index}", data_type=1, dims=[4])
        onnx_models.place_outside(copy, "w.bin", 16, 16)

    facts, _ = inspect(model, tmp_path)

    assert [weight.offset_bytes for weight in facts.tensors[-2:]] == [16, 16]


def test_inspect_checksum_is_kept(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    weight = model.graph.initializer.add(name="w", data_type=1, dims=[4])
    onnx_models.place_outside(weight, "w.bin", 0, 16)
    weight.external_data.add(key="checksum", value="abc")

    facts, _ = inspect(model, tmp_path)

    assert facts.tensors[-1].checksum == "abc"


WANTED = {
    "output": (
        InspectParams(("logit",), (), ()),
        'MP-E321 the graph has no output "logit"; did you mean "logits"? — the graph\'s outputs: "logits"',
    ),
    "dimension": (
        InspectParams((), (("bacth", 1),), ()),
        (
            'MP-E321 the graph has no free dimension "bacth"; did you mean "batch"? '
            '— the graph\'s free dimensions: "batch"'
        ),
    ),
    "state-input": (
        InspectParams((), (), (StatePair("zzz", "logits"),)),
        'MP-E321 the graph has no input "zzz" — the graph\'s inputs: "x"',
    ),
    "state-output": (
        InspectParams((), (), (StatePair("x", "zzz"),)),
        'MP-E321 the graph has no output "zzz" — the graph\'s outputs: "logits"',
    ),
    "state-shape": (
        InspectParams((), (), (StatePair("x", "logits"),)),
        (
            'MP-E323 state input "x" is float32 [batch, 32], output "logits" is float32 [batch, 10]; '
            "expected the same — pair each state input with the output that continues it"
        ),
    ),
}


@pytest.mark.parametrize("case", WANTED)
def test_inspect_name_the_graph_lacks_is_refused(tmp_path: Path, case: str) -> None:
    params, expected = WANTED[case]

    with pytest.raises(SourceError) as caught:
        inspect(onnx_models.mlp(), tmp_path, params)

    assert str(caught.value) == expected


def test_inspect_state_of_another_type_is_refused(tmp_path: Path) -> None:
    model = onnx_models.lstm_net()
    model.graph.output[1].type.tensor_type.elem_type = TensorProto.INT64

    with pytest.raises(SourceError, match="MP-E323"):
        inspect(model, tmp_path, InspectParams((), (), (StatePair("state", "stateN"),)))


def test_inspect_names_the_graph_has_pass(tmp_path: Path) -> None:
    params = InspectParams(("y",), (("steps", 1),), (StatePair("state", "stateN"),))

    inspect(onnx_models.lstm_net(), tmp_path, params)


def test_inspect_state_output_without_a_shape_agrees(tmp_path: Path) -> None:
    model = onnx_models.lstm_net()
    model.graph.output[1].type.tensor_type.ClearField("shape")

    inspect(model, tmp_path, InspectParams((), (), (StatePair("state", "stateN"),)))


def test_inspect_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, first = inspect(onnx_models.conv_net(), tmp_path / "a")
    _, second = inspect(onnx_models.conv_net(), tmp_path / "b")

    assert first.files[0].path.read_bytes() == second.files[0].path.read_bytes()
