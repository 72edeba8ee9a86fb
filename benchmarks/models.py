"""Models that are made up for benchmarks: many small ones, and one that does not fit into memory twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

_OPSET = 17
_WIDTH = 32


def write_small_model(path: Path, seed: int) -> None:
    """Two layers of 32 × 32 with weights of their own, 9 kB: large enough to be quantised."""
    random = np.random.default_rng(seed)
    names = ("first", "second")
    weights = [
        helper.make_tensor(
            name,
            TensorProto.FLOAT,
            [_WIDTH, _WIDTH],
            random.standard_normal((_WIDTH, _WIDTH)).astype(np.float32).tobytes(),
            raw=True,
        )
        for name in names
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "first"], ["h"], "/first"),
        helper.make_node("Relu", ["h"], ["a"], "/relu"),
        helper.make_node("MatMul", ["a", "second"], ["y"], "/second"),
    ]
    onnx.save(_model(nodes, weights, _WIDTH), path)


def write_large_model(path: Path, weights: int, width: int) -> None:
    """A chain of `weights` matrices of width × width float32 in `<name>.data` beside `path`. Holds one at a time."""
    random = np.random.default_rng(0)
    tensors = []
    nodes = []
    size_bytes = width * width * 4
    with path.with_suffix(".data").open("wb") as stream:
        for number in range(weights):
            stream.write(random.standard_normal((width, width), np.float32).tobytes())
            tensors.append(
                _external(f"w{number}", width, path.stem, number * size_bytes, size_bytes)
            )
            source = f"h{number}" if number else "x"
            target = "y" if number == weights - 1 else f"h{number + 1}"
            nodes.append(
                helper.make_node("MatMul", [source, f"w{number}"], [target], f"/layer.{number}/fc")
            )
    # Not onnx.save: it would look for the data in memory.
    path.write_bytes(_model(nodes, tensors, width).SerializeToString())


def _external(name: str, width: int, stem: str, offset: int, length: int) -> onnx.TensorProto:
    tensor = TensorProto(
        name=name,
        data_type=TensorProto.FLOAT,
        dims=[width, width],
        data_location=TensorProto.EXTERNAL,
    )
    for key, text in (("location", f"{stem}.data"), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(text))
    return tensor


def _model(
    nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], width: int
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "made_up",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", width])],
        weights,
    )
    opset = helper.make_opsetid("", _OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9)
