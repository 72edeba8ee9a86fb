"""Small ONNX models with fixed random weights, for tests. Weights of 1 KiB and more are in every one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8

FloatArray = NDArray[np.float32]
Builder = Callable[[], onnx.ModelProto]


def conv_net() -> onnx.ModelProto:
    """`image` float32 [batch, 1, 8, 8] → `logits` float32 [batch, 10]; two Conv, one Gemm; nodes named `/conv1` and so on."""
    nodes = [
        helper.make_node(
            "Conv", ["image", "conv1.weight", "conv1.bias"], ["c1"], "/conv1", pads=[1] * 4
        ),
        helper.make_node("Relu", ["c1"], ["r1"], "/relu1"),
        helper.make_node(
            "Conv", ["r1", "conv2.weight", "conv2.bias"], ["c2"], "/conv2", pads=[1] * 4
        ),
        helper.make_node("Relu", ["c2"], ["r2"], "/relu2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"], "/pool"),
        helper.make_node("Flatten", ["p"], ["f"], "/flatten"),
        helper.make_node("Gemm", ["f", "fc.weight", "fc.bias"], ["logits"], "/fc", transB=1),
    ]
    weights = [
        tensor("conv1.weight", weights_like(0, 16, 1, 3, 3)),
        tensor("conv1.bias", weights_like(1, 16)),
        tensor("conv2.weight", weights_like(2, 32, 16, 3, 3)),
        tensor("conv2.bias", weights_like(3, 32)),
        tensor("fc.weight", weights_like(4, 10, 32)),
        tensor("fc.bias", weights_like(5, 10)),
    ]
    inputs = [value("image", ["batch", 1, 8, 8])]
    return model(nodes, inputs, [value("logits", ["batch", 10])], weights)


def mlp() -> onnx.ModelProto:
    """`x` float32 [batch, 32] → `logits` float32 [batch, 10]; one MatMul with Add, one Gemm."""
    nodes = [
        helper.make_node("MatMul", ["x", "fc1.weight"], ["h"], "/fc1/MatMul"),
        helper.make_node("Add", ["h", "fc1.bias"], ["hb"], "/fc1/Add"),
        helper.make_node("Relu", ["hb"], ["hr"], "/relu"),
        helper.make_node(
            "Gemm", ["hr", "fc2.weight", "fc2.bias"], ["logits"], "/fc2/Gemm", transB=1
        ),
    ]
    weights = [
        tensor("fc1.weight", weights_like(0, 32, 64)),
        tensor("fc1.bias", weights_like(1, 64)),
        tensor("fc2.weight", weights_like(2, 10, 64)),
        tensor("fc2.bias", weights_like(3, 10)),
    ]
    return model(nodes, [value("x", ["batch", 32])], [value("logits", ["batch", 10])], weights)


def embedding_net() -> onnx.ModelProto:
    """`ids` int64 [batch, sequence], 0 to 99 → `embedding` float32 [batch, 16]; Gather, mean over the sequence, MatMul."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], "/embeddings/Gather"),
        helper.make_node("ReduceMean", ["rows"], ["mean"], "/mean", axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "pooler.weight"], ["embedding"], "/pooler/MatMul"),
    ]
    weights = [
        tensor("table", weights_like(0, 100, 32)),
        tensor("pooler.weight", weights_like(1, 32, 16)),
    ]
    inputs = [value("ids", ["batch", "sequence"], TensorProto.INT64)]
    return model(nodes, inputs, [value("embedding", ["batch", 16])], weights)


def if_net() -> onnx.ModelProto:
    """`x` float32 [1, 16], `flag` bool [] → `y` float32 [1, 32]; each branch of the If keeps a 2 KiB weight in a Constant."""
    nodes = [
        helper.make_node(
            "If",
            ["flag"],
            ["y"],
            "/if",
            then_branch=_branch("then", 0),
            else_branch=_branch("else", 1),
        )
    ]
    inputs = [value("x", [1, 16]), value("flag", [], TensorProto.BOOL)]
    return model(nodes, inputs, [value("y", [1, 32])], [])


def lstm_net() -> onnx.ModelProto:
    """`x` float32 [steps, 1, 8] and `state` float32 [1, 1, 16] → `y` [steps, 1, 1, 16] and `stateN` like `state`."""
    nodes = [
        helper.make_node(
            "LSTM",
            ["x", "lstm.W", "lstm.R", "lstm.B", "", "state", "cell"],
            ["y", "stateN", ""],
            "/lstm",
            hidden_size=16,
        )
    ]
    weights = [
        tensor("lstm.W", weights_like(0, 1, 64, 8)),
        tensor("lstm.R", weights_like(1, 1, 64, 16)),
        tensor("lstm.B", weights_like(2, 1, 128)),
        tensor("cell", weights_like(3, 1, 1, 16)),
    ]
    inputs = [value("x", ["steps", 1, 8]), value("state", [1, 1, 16])]
    outputs = [value("y", ["steps", 1, 1, 16]), value("stateN", [1, 1, 16])]
    return model(nodes, inputs, outputs, weights)


def odd_channels_net() -> onnx.ModelProto:
    """`x` float32 [1, 129, 4] → `y` float32 [1, 128, 4], by one filter `/conv`; silero's speech detector begins so."""
    conv = helper.make_node("Conv", ["x", "w"], ["y"], "/conv", pads=[1, 1])
    weight = tensor("w", weights_like(1, 128, 129, 3))
    return model([conv], [value("x", [1, 129, 4])], [value("y", [1, 128, 4])], [weight])


def write_external_model(folder: Path, location: str = "weights.bin") -> Path:
    """The path of `mlp()` written into `folder` with every weight in the data file `location` (subfolders are made)."""
    proto = mlp()
    (folder / location).parent.mkdir(parents=True, exist_ok=True)
    with (folder / location).open("wb") as stream:
        for weight in proto.graph.initializer:
            place_outside(weight, location, stream.tell(), len(weight.raw_data))
            stream.write(weight.raw_data)
            weight.ClearField("raw_data")
    return write(proto, folder / "model.onnx")


def place_outside(weight: TensorProto, location: str, offset: int | str, length: int | str) -> None:
    """Makes `weight` say that its bytes lie in the file `location`."""
    weight.data_location = TensorProto.EXTERNAL
    del weight.external_data[:]
    for key, entry in (("location", location), ("offset", offset), ("length", length)):
        weight.external_data.add(key=key, value=str(entry))


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: Sequence[TensorProto],
) -> onnx.ModelProto:
    """A model of these parts, opset 17, IR version 8."""
    graph = helper.make_graph(nodes, "test", inputs, outputs, weights)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def value(
    name: str, shape: Sequence[int | str | None], dtype: int = TensorProto.FLOAT
) -> onnx.ValueInfoProto:
    """An input or output of a graph."""
    return helper.make_tensor_value_info(name, dtype, shape)


def tensor(name: str, content: NDArray[np.generic]) -> TensorProto:
    """An initialiser with its bytes in `raw_data`."""
    return numpy_helper.from_array(content, name)


def weights_like(seed: int, *shape: int) -> FloatArray:
    """Random weights, float32, normal with deviation 0.2; the same for the same seed."""
    return (np.random.default_rng(seed).standard_normal(shape) * 0.2).astype(np.float32)


def write(proto: onnx.ModelProto, path: Path) -> Path:
    """`path`, with the model written to it."""
    path.write_bytes(proto.SerializeToString(deterministic=True))
    return path


def _branch(name: str, seed: int) -> onnx.GraphProto:
    weight = tensor("", weights_like(seed, 16, 32))
    nodes = [
        helper.make_node("Constant", [], [f"{name}_w"], f"/{name}/Constant", value=weight),
        helper.make_node("MatMul", ["x", f"{name}_w"], [f"{name}_y"], f"/{name}/MatMul"),
    ]
    return helper.make_graph(nodes, name, [], [value(f"{name}_y", [1, 32])])


def with_data_file(model: onnx.ModelProto, location: str) -> tuple[bytes, bytes]:
    """The graph with all its weights in a data file of that name, and the data file."""
    data = b""
    for tensor in model.graph.initializer:
        content = onnx.numpy_helper.to_array(tensor).tobytes()
        places = {"location": location, "offset": str(len(data)), "length": str(len(content))}
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        for key, value in places.items():
            tensor.external_data.add(key=key, value=value)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        data += content
    return model.SerializeToString(), data
