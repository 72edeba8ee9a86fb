from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelpack.errors import SourceError
from modelpack.planned import SimplifyParams
from modelpack.record import Measurement
from modelpack.steps.contract import StepOutput
from modelpack.steps.simplify import run
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value
from tests.support.passes import computes_the_same
from tests.support.steps import step_input


def simplify(model: onnx.ModelProto, folder: Path) -> tuple[onnx.ModelProto, StepOutput]:
    path = onnx_models.write(model, folder / "model.onnx")
    output = run(step_input(SimplifyParams(), folder, model=path))
    return onnx.load(output.files[0].path), output


def with_foldable_nodes() -> onnx.ModelProto:
    model = onnx_models.mlp()
    model.graph.initializer.append(tensor("half", np.array(0.5, np.float32)))
    first = model.graph.node[0]
    first.input[1] = "doubled"
    model.graph.node.insert(
        0, helper.make_node("Mul", ["fc1.weight", "half"], ["scaled"], "/scale")
    )
    model.graph.node.insert(
        1, helper.make_node("Add", ["scaled", "scaled"], ["doubled"], "/double")
    )
    return model


def with_growing_constant() -> onnx.ModelProto:
    """Adds 4 MB of zeros, made from one number, to `x`."""
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["zeros"], "/zeros"),
        helper.make_node("Add", ["x", "zeros"], ["y"], "/add"),
    ]
    size = tensor("size", np.array([1 << 20]))
    return onnx_models.model(nodes, [value("x", [1])], [value("y", [1 << 20])], [size])


def with_noise() -> onnx.ModelProto:
    """Gives other numbers at each run, so no two sessions agree."""
    nodes = [
        helper.make_node("RandomNormalLike", ["x"], ["noise"], "/noise"),
        helper.make_node("Add", ["x", "noise"], ["y"], "/add"),
    ]
    return onnx_models.model(nodes, [value("x", [4])], [value("y", [4])], [])


def that_never_runs() -> onnx.ModelProto:
    """Opens, but fails on every input: row 9 of a table of two."""
    nodes = [
        helper.make_node("Add", ["ids", "nine"], ["far"], "/far"),
        helper.make_node("Gather", ["table", "far"], ["y"], "/rows"),
    ]
    weights = [tensor("nine", np.array(9)), tensor("table", np.ones((2, 2), np.float32))]
    inputs = [value("ids", [1], TensorProto.INT64)]
    return onnx_models.model(nodes, inputs, [value("y", [1, 2])], weights)


def test_simplify_folds_what_is_constant(tmp_path: Path) -> None:
    before = with_foldable_nodes()

    after, output = simplify(before, tmp_path)

    assert "/scale" not in [node.name for node in after.graph.node]
    assert output.notes == ()
    assert output.measurements == (Measurement("nodes", len(after.graph.node)),)
    assert len(after.graph.node) < len(before.graph.node)
    assert [(file.role, file.path.name) for file in output.files] == [("model", "model.onnx")]


@pytest.mark.parametrize("build", [onnx_models.if_net, onnx_models.lstm_net, onnx_models.conv_net])
def test_simplify_model_keeps_its_inputs_and_outputs(
    tmp_path: Path, build: onnx_models.Builder
) -> None:
    before = build()

    after, output = simplify(before, tmp_path)

    assert output.notes == ()
    assert list(after.graph.input) == list(before.graph.input)
    assert [v.name for v in after.graph.output] == [v.name for v in before.graph.output]
    assert computes_the_same(before, after)


def test_simplify_old_opset_gets_through(tmp_path: Path) -> None:
    before = onnx_models.conv_net()
    before.opset_import[0].version = 9
    before.ir_version = 3
    for weight in before.graph.initializer:
        before.graph.input.append(value(weight.name, list(weight.dims)))

    after, output = simplify(before, tmp_path)

    assert output.notes == ()
    assert after.opset_import[0].version == 9


def test_simplify_model_that_would_grow_is_passed_through(tmp_path: Path) -> None:
    before = with_growing_constant()

    after, output = simplify(before, tmp_path)

    assert output.notes == ("not kept: the model would grow by 4.19 MB",)
    assert output.measurements == (Measurement("nodes", 2),)
    assert [node.name for node in after.graph.node] == ["/zeros", "/add"]


def test_simplify_model_that_gives_other_numbers_is_passed_through(tmp_path: Path) -> None:
    after, output = simplify(with_noise(), tmp_path)

    (note,) = output.notes
    assert note.startswith('not kept: output "y" differs by ')
    assert [node.name for node in after.graph.node] == ["/noise", "/add"]


def test_simplify_model_that_cannot_be_checked_is_passed_through(tmp_path: Path) -> None:
    after, output = simplify(that_never_runs(), tmp_path)

    (note,) = output.notes
    assert note.startswith("not kept: the model does not run on generated inputs (")
    assert [node.name for node in after.graph.node] == ["/far", "/rows"]


def test_simplify_model_that_onnxsim_refuses_is_passed_through(tmp_path: Path) -> None:
    before = onnx_models.mlp()
    before.graph.node[2].attribute.add(name="nonsense", i=1, type=onnx.AttributeProto.INT)

    after, output = simplify(before, tmp_path)

    (note,) = output.notes
    assert note.startswith("not kept: ")
    assert "\n" not in note
    assert len(after.graph.node) == 4


def test_simplify_huge_model_is_skipped(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    path = onnx_models.write_external_model(source, "w.bin")
    with (source / "w.bin").open("r+b") as stream:
        stream.truncate(2 << 30)  # sparse: what counts is the size

    output = run(step_input(SimplifyParams(), tmp_path, model=(path, source / "w.bin")))

    assert output.notes == ("skipped: 2.15 GB is more than onnxsim takes",)
    assert computes_the_same(onnx_models.mlp(), output.files[0].path)


def test_simplify_external_model_reads_its_data_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    path = onnx_models.write_external_model(source, "data/w.bin")

    output = run(step_input(SimplifyParams(), tmp_path, model=(path, source / "data/w.bin")))

    assert output.notes == ()
    assert [file.path.name for file in output.files] == ["model.onnx"]


def test_simplify_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x0a")

    with pytest.raises(SourceError, match="MP-E205"):
        run(step_input(SimplifyParams(), tmp_path, model=tmp_path / "model.onnx"))


def test_simplify_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        _, output = simplify(with_foldable_nodes(), tmp_path / name)
        contents.add(output.files[0].path.read_bytes())

    assert len(contents) == 1
