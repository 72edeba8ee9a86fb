from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from modelpack.errors import SourceError
from modelpack.graph.io import INLINE_LIMIT_BYTES, read_model, read_proto, weight_bytes, write_model
from tests.support import onnx_models
from tests.support.onnx_models import place_outside, tensor, value, weights_like
from tests.support.passes import computes_the_same


def large_model() -> onnx.ModelProto:
    """Just above the limit: adds all rows of a table of ones to `x`."""
    rows = INLINE_LIMIT_BYTES // 4096 + 1
    nodes = [
        helper.make_node("ReduceSum", ["table", "axes"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    weights = [tensor("table", np.ones((rows, 1024), np.float32)), tensor("axes", np.array([0]))]
    return onnx_models.model(nodes, [value("x", [1024])], [value("y", [1024])], weights)


def with_external_constant(folder: Path, *, is_output: bool) -> Path:
    weight = weights_like(0, 512)
    (folder / "w.bin").write_bytes(weight.tobytes())
    node = helper.make_node("Constant", [], ["w"], value=tensor("", weight))
    node.attribute[0].t.ClearField("raw_data")
    place_outside(node.attribute[0].t, "w.bin", 0, weight.nbytes)
    nodes = [node, helper.make_node("Add", ["x", "w"], ["y"])]
    outputs = [value("y", [512]), *([value("w", [512])] if is_output else [])]
    model = onnx_models.model(nodes, [value("x", [512])], outputs, [])
    return onnx_models.write(model, folder / "model.onnx")


def test_write_small_model_is_one_file(tmp_path: Path) -> None:
    paths = write_model(ir.from_proto(onnx_models.mlp()), tmp_path)

    assert paths == (tmp_path / "model.onnx",)
    assert computes_the_same(onnx_models.mlp(), paths[0])


def test_write_large_model_is_a_graph_and_a_data_file(tmp_path: Path) -> None:
    before = onnx_models.write(large_model(), tmp_path / "before.onnx")
    (tmp_path / "out").mkdir()

    paths = write_model(read_model(before), tmp_path / "out")

    assert [path.name for path in paths] == ["model.onnx", "model.data"]
    assert paths[0].stat().st_size < 1024
    assert paths[1].stat().st_size == INLINE_LIMIT_BYTES + 4096
    assert computes_the_same(before, paths[0])


def test_read_model_keeps_weights_in_their_file(tmp_path: Path) -> None:
    model = read_model(onnx_models.write_external_model(tmp_path))

    weights = [weight.const_value for weight in model.graph.initializers.values()]
    assert all(isinstance(weight, ir.ExternalTensor) for weight in weights)
    assert weight_bytes(model) == 11048


def test_read_proto_has_all_weights_in_memory(tmp_path: Path) -> None:
    proto = read_proto(onnx_models.write_external_model(tmp_path))

    assert [len(weight.raw_data) for weight in proto.graph.initializer] == [8192, 256, 2560, 40]


@pytest.mark.parametrize("is_output", [False, True])
def test_read_model_settles_constants_in_data_files(tmp_path: Path, is_output: bool) -> None:
    before = with_external_constant(tmp_path, is_output=is_output)
    (tmp_path / "out").mkdir()

    (path,) = write_model(read_model(before), tmp_path / "out")

    assert computes_the_same(before, path)


def test_read_model_of_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x0a\xff")

    with pytest.raises(SourceError, match=r"MP-E205 model.onnx: not a readable ONNX model"):
        read_model(tmp_path / "model.onnx")


def test_weight_bytes_counts_subgraphs() -> None:
    proto = onnx_models.if_net()
    proto.graph.node[0].attribute[0].g.initializer.append(tensor("more", weights_like(9, 300)))

    assert weight_bytes(ir.from_proto(proto)) == 1200
