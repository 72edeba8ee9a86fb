from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from modelpack.digest import digest_bytes, digest_file
from modelpack.graph.io import read_model, write_model
from modelpack.graph.sessions import open_session, run_session
from modelpack.planned import SplitParams
from modelpack.record import FileLayout, ValueFacts
from modelpack.steps import split
from modelpack.steps.contract import InputFiles, StepInput, StepOutput
from modelpack.units import KIB, MIB
from tests.support import onnx_models
from tests.support.assembled import assemble_into, assembled, chunk_files, layout_of


def split_model(
    proto: onnx.ModelProto, folder: Path, chunk_size_bytes: int = 4 * MIB
) -> StepOutput:
    folder.mkdir(parents=True, exist_ok=True)
    return split_file(onnx_models.write(proto, folder / "in.onnx"), folder, chunk_size_bytes)


def split_file(path: Path, folder: Path, chunk_size_bytes: int = 4 * MIB) -> StepOutput:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    return split.run(
        StepInput(SplitParams(chunk_size_bytes), (InputFiles("model", (path,)),), scratch)
    )


def chain(*weights: np.ndarray, names: tuple[str, ...] = ()) -> onnx.ModelProto:
    """`x` float32 [16] plus the sum of each weight, one ReduceSum and one Add per weight."""
    nodes = []
    for number, _ in enumerate(weights):
        name = names[number] if names else f"/layer.{number}/ReduceSum"
        before = "x" if number == 0 else f"y{number - 1}"
        nodes += [
            helper.make_node("ReduceSum", [f"w{number}"], [f"s{number}"], name, keepdims=0),
            helper.make_node("Add", [before, f"s{number}"], [f"y{number}"], f"{name}.Add"),
        ]
    return onnx_models.model(
        nodes,
        [onnx_models.value("x", [16])],
        [onnx_models.value(f"y{len(weights) - 1}", [16])],
        [onnx_models.tensor(f"w{number}", weight) for number, weight in enumerate(weights)],
    )


def data_files(output: StepOutput) -> tuple[FileLayout, ...]:
    return tuple(file for file in layout_of(output).files if file.role == "data")


@pytest.mark.parametrize("build", [onnx_models.conv_net, onnx_models.mlp, onnx_models.lstm_net])
def test_split_model_assembled_again_runs_the_same(build: object, tmp_path: Path) -> None:
    assert callable(build)
    proto = build()
    original = onnx_models.write(proto, tmp_path / "original.onnx")
    feeds = {
        value.name: np.full([2 if isinstance(d, str) else d for d in value.shape], 0.5, np.float32)
        for value in open_session(original).get_inputs()
    }

    path = assemble_into(tmp_path / "again", split_model(proto, tmp_path))

    expected = run_session(open_session(original), feeds)
    found = run_session(open_session(path), feeds)
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_split_files_have_the_digests_of_their_layout(tmp_path: Path) -> None:
    output = split_model(chain(onnx_models.weights_like(0, 700, 100)), tmp_path)

    for file in layout_of(output).files:
        content = assembled(file, chunk_files(output))
        assert (digest_bytes(content), len(content)) == (file.digest, file.size_bytes)


def test_split_weight_of_one_kib_goes_outside_and_a_smaller_one_stays(tmp_path: Path) -> None:
    weights = (onnx_models.weights_like(0, 256), onnx_models.weights_like(1, 255))

    path = assemble_into(tmp_path / "again", split_model(chain(*weights), tmp_path))

    places = [
        weight.data_location
        for weight in onnx.load(path, load_external_data=False).graph.initializer
    ]
    assert places == [TensorProto.EXTERNAL, TensorProto.DEFAULT]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 90_000), min_size=1, max_size=8), st.integers(300_000, 500_000))
def test_split_weights_of_any_size_lie_where_the_graph_says(
    lengths: list[int], chunk_size_bytes: int
) -> None:
    weights = [onnx_models.weights_like(seed, length) for seed, length in enumerate(lengths)]
    with TemporaryDirectory() as folder:
        output = split_model(chain(*weights), Path(folder), chunk_size_bytes)
        again = onnx.load(assemble_into(Path(folder) / "again", output))

    found = [onnx.numpy_helper.to_array(weight) for weight in again.graph.initializer]
    assert all(np.array_equal(one, other) for one, other in zip(found, weights, strict=True))


def test_split_model_without_large_weights_has_no_data_file(tmp_path: Path) -> None:
    output = split_model(chain(onnx_models.weights_like(0, 8)), tmp_path)

    assert [file.role for file in layout_of(output).files] == ["graph"]


def test_split_equal_weights_share_one_place(tmp_path: Path) -> None:
    weight = onnx_models.weights_like(0, 300, 300)

    output = split_model(chain(weight, weight), tmp_path)

    assert [file.size_bytes for file in data_files(output)] == [360_000]


def test_split_weights_lie_in_order_of_first_use(tmp_path: Path) -> None:
    proto = chain(onnx_models.weights_like(0, 256), onnx_models.weights_like(1, 256))
    weights = list(proto.graph.initializer)
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(reversed(weights))

    output = split_model(proto, tmp_path)

    (data,) = data_files(output)
    assert assembled(data, chunk_files(output)) == b"".join(weight.raw_data for weight in weights)
    assert [tensor.name for tensor in layout_of(output).tensors] == ["w0", "w1"]


def test_split_weight_shared_by_two_variants_is_an_equal_chunk(tmp_path: Path) -> None:
    shared = onnx_models.weights_like(0, 300, 300)
    one = split_model(chain(shared, onnx_models.weights_like(1, 300, 300)), tmp_path / "1")
    other = split_model(chain(onnx_models.weights_like(2, 5, 300), shared), tmp_path / "2")

    assert digest_bytes(shared.tobytes()) in chunk_files(one).keys() & chunk_files(other).keys()


def test_split_change_of_one_small_weight_changes_one_data_chunk(tmp_path: Path) -> None:
    weights = [onnx_models.weights_like(seed, 600) for seed in range(4)]
    before = chunk_files(split_model(chain(*weights), tmp_path / "before"))
    weights[2] = onnx_models.weights_like(9, 600)

    after = chunk_files(split_model(chain(*weights), tmp_path / "after"))

    assert len(after.keys() - before.keys()) == 1


def test_split_subgraph_initialiser_stays_inside(tmp_path: Path) -> None:
    proto = onnx_models.if_net()
    for attribute in proto.graph.node[0].attribute:
        branch = attribute.g
        weight = branch.node[0].attribute[0].t
        weight.name = branch.node[0].output[0]
        branch.initializer.append(weight)
        del branch.node[0]

    output = split_model(proto, tmp_path)

    assert [file.role for file in layout_of(output).files] == ["graph"]
    assert [tensor.size_bytes for tensor in layout_of(output).tensors] == [2048, 2048]


def test_split_model_with_external_data_equals_the_one_without(tmp_path: Path) -> None:
    inline = split_model(onnx_models.mlp(), tmp_path / "inline")

    outside = split_file(onnx_models.write_external_model(tmp_path / "model"), tmp_path / "outside")

    assert data_files(outside) == data_files(inline)
    assert chunk_files(outside) == chunk_files(inline)


def test_split_same_model_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    one = split_model(onnx_models.conv_net(), tmp_path / "1")
    other = split_model(onnx_models.conv_net(), tmp_path / "2")

    assert [digest_file(file.path) for file in one.files] == [
        digest_file(file.path) for file in other.files
    ]


def test_split_inputs_and_outputs_are_in_the_words_of_onnxruntime_web(tmp_path: Path) -> None:
    layout = layout_of(split_model(onnx_models.embedding_net(), tmp_path))

    assert layout.inputs == (ValueFacts("ids", "int64", ("batch", "sequence")),)
    assert layout.outputs == (ValueFacts("embedding", "float32", ("batch", 16)),)


def test_split_old_graph_that_lists_weights_as_inputs_has_only_real_inputs(tmp_path: Path) -> None:
    proto = onnx_models.mlp()
    proto.ir_version = 3
    proto.graph.input.append(onnx_models.value("fc1.weight", [32, 64]))

    layout = layout_of(split_model(proto, tmp_path))

    assert [value.name for value in layout.inputs] == ["x"]


def test_split_measures_bytes_and_chunks(tmp_path: Path) -> None:
    output = split_model(chain(onnx_models.weights_like(0, 256 * KIB)), tmp_path, 512 * KIB)

    measured = {measurement.name: measurement.value for measurement in output.measurements}
    graph = layout_of(output).files[0]
    assert measured == {"sizeBytes": MIB + graph.size_bytes, "chunks": 3, "tensorBytes": MIB}


def test_split_four_bit_weights_keep_their_packed_bytes(tmp_path: Path) -> None:
    packed = bytes(range(256)) * 8
    proto = onnx_models.mlp()
    weight = TensorProto(name="w4", data_type=TensorProto.UINT4, dims=[4096], raw_data=packed)
    proto.graph.initializer.append(weight)
    proto.opset_import[0].version = 21
    proto.ir_version = 10

    model_path = write_model(read_model(onnx_models.write(proto, tmp_path / "a.onnx")), tmp_path)[0]
    output = split_file(model_path, tmp_path / "split")

    (data,) = data_files(output)
    assert assembled(data, chunk_files(output)).endswith(packed)
