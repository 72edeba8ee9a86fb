"""What a node needs beside its inputs for a trial to be about its kernel, and not about what was left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import onnx
from onnx import TensorProto, helper

from tools.compatibility.schemas import Schema

# Operators whose output's type follows from an attribute.
TYPED_BY: Final[Mapping[str, str]] = {
    "Cast": "to",
    "BitCast": "to",
    "EyeLike": "dtype",
    "Bernoulli": "dtype",
    "Multinomial": "dtype",
    "RandomNormal": "dtype",
    "RandomNormalLike": "dtype",
    "RandomUniform": "dtype",
    "RandomUniformLike": "dtype",
    "ConstantOfShape": "value",
    "Constant": "value",
    "HannWindow": "output_datatype",
    "HammingWindow": "output_datatype",
    "BlackmanWindow": "output_datatype",
    "MelWeightMatrix": "output_datatype",
}
# Optional inputs that a kernel cannot do without, or that fix a type.
OPTIONAL_INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "QuantizeLinear": ("y_zero_point",),
    "Resize": ("scales",),
    "Slice": ("axes",),
    "Clip": ("min", "max"),
    "MatMulInteger": ("a_zero_point", "b_zero_point"),
    "Attention": ("bias", "weights"),
    "Loop": ("M", "cond"),
    "Squeeze": ("axes",),
}
_NUMBERS: Final[Mapping[str, object]] = {
    "INT": 1,
    "INTS": [1, 1],
    "FLOAT": 1.0,
    "FLOATS": [1.0],
    "STRING": "",
    "STRINGS": ["a"],
}
_FEW: Final[Mapping[str, Mapping[str, object]]] = {
    "Einsum": {"equation": "ij,jk->ik"},
    "BitShift": {"direction": "LEFT"},
    "Split": {},
    "LSTM": {"hidden_size": 4},
    "GRU": {"hidden_size": 4},
    "RNN": {"hidden_size": 4},
    "DynamicQuantizeLSTM": {"hidden_size": 4},
    "TfIdfVectorizer": {
        "mode": "TF",
        "ngram_counts": [0],
        "ngram_indexes": [0],
        "max_gram_length": 1,
        "min_gram_length": 1,
        "max_skip_count": 0,
        "pool_int64s": [1],
    },
    "Upsample": {"scales": [1.0, 1.0, 2.0, 2.0]},
    "Attention": {"num_heads": 2},
    "MultiHeadAttention": {"num_heads": 2},
    "GroupQueryAttention": {"num_heads": 2, "kv_num_heads": 2},
    "MatMulNBits": {"K": 32, "N": 4, "bits": 4, "block_size": 32},
    "GatherBlockQuantized": {"block_size": 32},
    "QLinearSoftmax": {"opset": 13, "axis": -1},
    "GroupNorm": {"groups": 2, "activation": 0, "epsilon": 1e-5},
    "SkipGroupNorm": {"groups": 2, "activation": 0, "epsilon": 1e-5},
    "MatMulBnb4": {"K": 32, "N": 4, "block_size": 32, "quant_type": 1},
    "MatMulFpQ4": {"blk_quant_type": 0},
    "CropAndResize": {},
    "QMoE": {"k": 1},
    "Pad": {"pads": [0, 0, 0, 0]},
}
_OUTPUTS: Final[Mapping[str, int]] = {
    "Split": 2,
    "TopK": 2,
    "Scan": 2,
    "EmbedLayerNormalization": 2,
}


def attributes_of(schema: Schema, types: Mapping[str, str]) -> dict[str, object] | None:
    """The attributes of a trial's node; None where a trial cannot be made."""
    few = {
        name: value
        for name, value in _FEW.get(schema.name, {}).items()
        if name in schema.attributes
    }
    found: dict[str, object] = dict(few)
    for name, kind in schema.required.items():
        if name in found:
            continue
        if kind == "GRAPH":
            body = _BODIES.get(schema.name)
            if body is None:
                return None
            found[name] = body(schema, types)
        elif kind in _NUMBERS:
            found[name] = _NUMBERS[kind]
        elif name != "value":
            return None
    return found


def outputs_of(schema: Schema) -> int:
    """How many outputs the node has."""
    return max(_OUTPUTS.get(schema.name, 0), schema.min_output, 1)


def _branch(schema: Schema, types: Mapping[str, str]) -> onnx.GraphProto:
    del schema, types
    value = helper.make_tensor("c", TensorProto.FLOAT, [1], [1.0])
    node = helper.make_node("Constant", [], ["b"], name="b", value=value)
    output = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    return helper.make_graph([node], "branch", [], [output])


def _loop(schema: Schema, types: Mapping[str, str]) -> onnx.GraphProto:
    del schema
    element = getattr(TensorProto, types["V"].upper())
    inputs = [
        helper.make_tensor_value_info("n", TensorProto.INT64, []),
        helper.make_tensor_value_info("c", TensorProto.BOOL, []),
        helper.make_tensor_value_info("s", element, None),
    ]
    nodes = [
        helper.make_node("Identity", ["c"], ["d"], name="d"),
        helper.make_node("Identity", ["s"], ["t"], name="t"),
    ]
    outputs = [
        helper.make_tensor_value_info("d", TensorProto.BOOL, []),
        helper.make_tensor_value_info("t", element, None),
    ]
    return helper.make_graph(nodes, "body", inputs, outputs)


def _scan(schema: Schema, types: Mapping[str, str]) -> onnx.GraphProto:
    del schema
    element = getattr(TensorProto, types["V"].upper())
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Identity", ["s"], ["t"], name="t"),
        helper.make_node("Identity", ["x"], ["y"], name="y"),
    ]
    inputs = [value("s", element, None), value("x", element, None)]
    return helper.make_graph(
        nodes, "body", inputs, [value("t", element, None), value("y", element, None)]
    )


_BODIES: Final[Mapping[str, Callable[[Schema, Mapping[str, str]], onnx.GraphProto]]] = {
    "If": _branch,
    "Loop": _loop,
    "Scan": _scan,
}
