from __future__ import annotations

import struct
from pathlib import Path

import onnx
import pytest
from onnx import helper

from modelpack.errors import SourceError
from modelpack.planned import ShakeParams
from modelpack.record import Measurement
from modelpack.steps.contract import StepOutput
from modelpack.steps.shake import run
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.passes import computes_the_same
from tests.support.steps import step_input

ALL = ShakeParams((), ())


def shake(
    model: onnx.ModelProto, folder: Path, params: ShakeParams = ALL
) -> tuple[onnx.ModelProto, StepOutput]:
    path = onnx_models.write(model, folder / "model.onnx")
    output = run(step_input(params, folder, model=path))
    return onnx.load(output.files[0].path), output


def test_shake_model_that_needs_nothing_computes_the_same(tmp_path: Path) -> None:
    before = onnx_models.conv_net()

    after, output = shake(before, tmp_path)

    assert [(file.role, file.path.name) for file in output.files] == [("model", "model.onnx")]
    assert output.measurements == (
        Measurement("nodes", 7),
        Measurement("weightBytes", 20520),
        Measurement("weightBytesBefore", 20520),
    )
    assert computes_the_same(before, after)


def test_shake_kept_output_loses_what_only_others_needed(tmp_path: Path) -> None:
    before = onnx_models.mlp()
    before.graph.input.append(value("y", ["batch", 32]))
    before.graph.initializer.append(tensor("other.weight", weights_like(9, 32, 16)))
    before.graph.node.append(helper.make_node("MatMul", ["y", "other.weight"], ["other"], "/other"))
    before.graph.output.append(value("other", ["batch", 16]))

    after, output = shake(before, tmp_path, ShakeParams(("logits",), ()))

    assert [entry.name for entry in after.graph.input] == ["x"]
    assert [entry.name for entry in after.graph.output] == ["logits"]
    assert "other.weight" not in [weight.name for weight in after.graph.initializer]
    assert Measurement("weightBytes", 11048) in output.measurements
    assert Measurement("weightBytesBefore", 13096) in output.measurements
    assert computes_the_same(before, after)


def test_shake_without_outputs_keeps_inputs_nothing_reads(tmp_path: Path) -> None:
    before = onnx_models.mlp()
    before.graph.input.append(value("unread", [1]))

    after, _ = shake(before, tmp_path)

    assert [entry.name for entry in after.graph.input] == ["x", "unread"]


def test_shake_unused_weights_functions_and_domains_go(tmp_path: Path) -> None:
    before = onnx_models.mlp()
    opsets = [helper.make_opsetid("", 17)]
    body = [helper.make_node("Relu", ["a"], ["b"])]
    before.functions.append(helper.make_function("local", "f", ["a"], ["b"], body, opsets))
    before.opset_import.add(domain="local", version=1)
    before.opset_import.add(domain="com.microsoft", version=1)
    before.graph.initializer.append(tensor("unused", weights_like(9, 300)))

    after, _ = shake(before, tmp_path)

    assert len(after.functions) == 0
    assert [entry.domain for entry in after.opset_import] == [""]
    assert "unused" not in [weight.name for weight in after.graph.initializer]


def test_shake_unused_weights_of_subgraphs_go(tmp_path: Path) -> None:
    before = onnx_models.if_net()
    before.graph.node[0].attribute[0].g.initializer.append(tensor("unused", weights_like(9, 300)))

    after, _ = shake(before, tmp_path)

    assert sorted(weight.name for weight in after.graph.initializer) == ["else_w", "then_w"]
    assert computes_the_same(before, after)


def test_shake_equal_weights_become_one(tmp_path: Path) -> None:
    before = onnx_models.if_net()
    then_weight = before.graph.node[0].attribute[1].g.node[0].attribute[0]
    then_weight.CopyFrom(before.graph.node[0].attribute[0].g.node[0].attribute[0])

    after, _ = shake(before, tmp_path)

    assert len(after.graph.initializer) == 1
    assert computes_the_same(before, after)


def test_shake_unsorted_graph_is_sorted(tmp_path: Path) -> None:
    before = onnx_models.mlp()
    unsorted = onnx_models.mlp()
    del unsorted.graph.node[:]
    unsorted.graph.node.extend(reversed(list(before.graph.node)))

    after, _ = shake(unsorted, tmp_path)

    assert [node.op_type for node in after.graph.node] == ["MatMul", "Add", "Relu", "Gemm"]
    assert computes_the_same(before, after)


def test_shake_old_model_gets_constant_weights_and_names(tmp_path: Path) -> None:
    before = onnx_models.mlp()
    before.ir_version = 3
    for weight in before.graph.initializer:
        before.graph.input.append(value(weight.name, list(weight.dims)))
    for node in before.graph.node:
        node.name = ""

    after, _ = shake(before, tmp_path)

    assert after.ir_version == 4
    assert [entry.name for entry in after.graph.input] == ["x"]
    assert [node.name for node in after.graph.node] == [
        "MatMul_h",
        "Add_hb",
        "Relu_hr",
        "Gemm_logits",
    ]
    assert computes_the_same(before, after)


def test_shake_fixes_dimensions(tmp_path: Path) -> None:
    after, _ = shake(onnx_models.mlp(), tmp_path, ShakeParams((), (("batch", 4),)))

    shape = after.graph.output[0].type.tensor_type.shape
    assert [size.dim_value for size in shape.dim] == [4, 10]


def test_shake_outputs_of_a_recurrent_model_can_be_narrowed(tmp_path: Path) -> None:
    before = onnx_models.lstm_net()

    after, _ = shake(before, tmp_path, ShakeParams(("stateN",), ()))

    assert list(after.graph.node[0].output) == ["", "stateN"]
    assert computes_the_same(before, after)


def test_shake_external_model_reads_its_data_files(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    path = onnx_models.write_external_model(tmp_path / "source", "data/w.bin")
    files = (path, tmp_path / "source/data/w.bin")

    output = run(step_input(ALL, tmp_path, model=files))

    assert [file.path.name for file in output.files] == ["model.onnx"]
    assert computes_the_same(onnx_models.mlp(), output.files[0].path)


def test_shake_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        _, output = shake(onnx_models.if_net(), tmp_path / name)
        contents.add(output.files[0].path.read_bytes())

    assert len(contents) == 1


def test_shake_shaken_model_changes_nothing_more(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    _, first = shake(onnx_models.if_net(), tmp_path)

    second = run(step_input(ALL, tmp_path / "again", model=first.files[0].path))

    assert second.files[0].path.read_bytes() == first.files[0].path.read_bytes()


def test_shake_nan_in_a_data_file_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    graph = onnx_models.write_external_model(source)
    data = bytearray((source / "weights.bin").read_bytes())
    data[4:8] = struct.pack("<f", float("nan"))
    (source / "weights.bin").write_bytes(data)

    with pytest.raises(SourceError) as caught:
        run(step_input(ALL, tmp_path, model=graph))

    assert caught.value.code == "MP-E322"
    assert caught.value.message.endswith("has 1 values that are not a number (NaN)")
