# ruff: noqa: INP001  (beside the script that imports it)
"""A decoder that has learnt one sentence by heart: an attention head over its past keys and values, and one hidden layer."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SENTENCE = "^the quick brown fox jumps over the lazy dog.$"
LETTERS = "".join(sorted(set(SENTENCE)))
WIDTH = 16
HIDDEN = 256  # more than the sentence has letters, so that its least squares have an exact solution

Floats = NDArray[np.float64]


def writer() -> onnx.ModelProto:
    """`token` int64 [1, 1], `past_key` and `past_value` float32 [1, past, 16] → `logits` [1, 1, letters], and the longer past."""
    weights = _weights()
    nodes = [
        helper.make_node("Gather", ["embedding", "token"], ["x"], "/embed"),
        *(
            helper.make_node("MatMul", ["x", name], [f"{name}_now"], f"/attention/{name}")
            for name in ("query", "key", "value")
        ),
        helper.make_node("Concat", ["past_key", "key_now"], ["present_key"], "/keep_key", axis=1),
        helper.make_node(
            "Concat", ["past_value", "value_now"], ["present_value"], "/keep_value", axis=1
        ),
        helper.make_node("Transpose", ["present_key"], ["keys"], "/turn", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["query_now", "keys"], ["scores"], "/score"),
        helper.make_node("Softmax", ["scores"], ["shares"], "/softmax", axis=-1),
        helper.make_node("MatMul", ["shares", "present_value"], ["context"], "/attend"),
        helper.make_node("Concat", ["x", "context"], ["both"], "/join", axis=2),
        helper.make_node("MatMul", ["both", "hidden"], ["before"], "/hidden"),
        helper.make_node("Relu", ["before"], ["after"], "/relu"),
        helper.make_node("MatMul", ["after", "output"], ["logits"], "/output"),
    ]
    inputs = [
        helper.make_tensor_value_info("token", TensorProto.INT64, [1, 1]),
        *(_value(f"past_{name}", [1, "past", WIDTH]) for name in ("key", "value")),
    ]
    outputs = [
        _value("logits", [1, 1, len(LETTERS)]),
        *(_value(f"present_{name}", [1, "present", WIDTH]) for name in ("key", "value")),
    ]
    tensors = [
        numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()
    ]
    graph = helper.make_graph(nodes, "writer", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _weights() -> dict[str, Floats]:
    """Random features, and an output layer that makes of each beginning of the sentence its next letter."""
    random = np.random.default_rng(5)
    embedding = random.normal(size=(len(LETTERS), WIDTH))
    query, key, value = (random.normal(size=(WIDTH, WIDTH)) / WIDTH for _ in range(3))
    value *= 4
    hidden = random.normal(size=(2 * WIDTH, HIDDEN)) / 4
    tokens = [LETTERS.index(letter) for letter in SENTENCE]
    x = embedding[tokens[:-1]]
    features = np.stack(
        [_feature(x[: end + 1], (query, key, value), hidden) for end in range(len(x))]
    )
    wanted = np.eye(len(LETTERS))[tokens[1:]]
    output, *_ = np.linalg.lstsq(features, wanted, rcond=None)
    return {
        "embedding": embedding,
        "query": query,
        "key": key,
        "value": value,
        "hidden": hidden,
        "output": output,
    }


def _feature(x: Floats, projections: tuple[Floats, Floats, Floats], hidden: Floats) -> Floats:
    """float64 [hidden] of the last of `x` [letters so far, width]."""
    query, key, value = projections
    scores = (x @ key) @ (x[-1] @ query)
    shares = np.exp(scores - scores.max())
    context = (shares / shares.sum()) @ (x @ value)
    return np.maximum(np.concatenate([x[-1], context]) @ hidden, 0)


def _value(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
