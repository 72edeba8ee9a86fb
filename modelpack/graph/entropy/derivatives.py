"""Reverse-mode derivatives of the operators that lie between weights and outputs, on arrays.

Each function takes a node, its inputs, its first output and the gradient of that output, all as arrays, and gives the
gradient of each input; None where it has none (indices, shapes) or where nobody will ask (constants).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from modelpack.graph.entropy.activations import (
    erf_gradient,
    exponential_gradient,
    gelu_gradient,
    hard_sigmoid_gradient,
    hard_swish_gradient,
    leaky_gradient,
    logarithm_gradient,
    negative_gradient,
    reciprocal_gradient,
    relu_gradient,
    sigmoid_gradient,
    square_root_gradient,
    tanh_gradient,
)
from modelpack.graph.entropy.layouts import (
    cast,
    chosen,
    expanded,
    joined,
    selected,
    sliced,
    summed,
)
from modelpack.graph.entropy.spatial import (
    convolved,
    evenly_pooled,
    largest_pooled,
    normalized,
)

Values = NDArray[np.float32]
Arrays = Sequence["NDArray[np.generic] | None"]
Gradients = Sequence["Values | None"]
Derivative = Callable[[ir.Node, Sequence[Values], Values, Values], Gradients]


def _add(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    return [summed(gradient, each.shape) for each in inputs]


def _sub(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    return [summed(gradient, inputs[0].shape), summed(-gradient, inputs[1].shape)]


def _mul(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    left, right = inputs
    return [summed(gradient * right, left.shape), summed(gradient * left, right.shape)]


def _div(_node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values) -> Gradients:
    left, right = inputs
    share = gradient / right
    return [summed(share, left.shape), summed(-share * output, right.shape)]


def _power(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    base, exponent = inputs
    return [summed(gradient * exponent * np.power(base, exponent - 1), base.shape), None]


def _softmax(
    node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    axis = _integer(node, "axis", -1)
    return [output * (gradient - (gradient * output).sum(axis=axis, keepdims=True))]


def _layer_normalization(
    node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    axes = tuple(range(_integer(node, "axis", -1) % inputs[0].ndim, inputs[0].ndim))
    attribute = node.attributes.get("epsilon")
    epsilon = 1e-5 if attribute is None else attribute.as_float()
    centred = inputs[0] - inputs[0].mean(axis=axes, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(axis=axes, keepdims=True) + epsilon)
    normal = centred * scale
    inner = gradient * inputs[1]
    mean = inner.mean(axis=axes, keepdims=True)
    along = (inner * normal).mean(axis=axes, keepdims=True)
    return [scale * (inner - mean - normal * along), *[None] * (len(inputs) - 1)]


def _mat_mul(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    left, right = inputs
    if left.ndim < 2 or right.ndim < 2:
        return [None, None]
    of_left = summed(gradient @ right.swapaxes(-1, -2), left.shape)
    # The gradient of a weight is not asked for, and would be the largest array of all.
    of_right = None if right.ndim == 2 else summed(left.swapaxes(-1, -2) @ gradient, right.shape)
    return [of_left, of_right]


def _gemm(node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    weight = inputs[1] if _integer(node, "transB", 0) else inputs[1].T
    return [gradient @ weight, *[None] * (len(inputs) - 1)]


def _reshape(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    return [gradient.reshape(inputs[0].shape), *[None] * (len(inputs) - 1)]


def _transpose(
    node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    attribute = node.attributes.get("perm")
    order = attribute.as_ints() if attribute else range(inputs[0].ndim)[::-1]
    return [gradient.transpose(np.argsort(order))]


def _gather(
    node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    axis = _integer(node, "axis", 0)
    found = np.zeros(inputs[0].shape, np.float32)
    ids = np.asarray(inputs[1], np.int64)
    first = np.moveaxis(gradient, tuple(range(axis, axis + ids.ndim)), tuple(range(ids.ndim)))
    np.add.at(np.moveaxis(found, axis, 0), ids, first)
    return [found, None]


def _reduced(
    node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    shape = _kept_shape(node, inputs)
    spread = np.broadcast_to(gradient.reshape(shape), inputs[0].shape)
    if node.op_type == "ReduceMean":
        spread = spread * np.float32(output.size / max(inputs[0].size, 1))
    return [np.asarray(spread, np.float32), *[None] * (len(inputs) - 1)]


def _pooled(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    share = np.float32(np.prod(gradient.shape) / inputs[0].size)
    return [np.asarray(np.broadcast_to(gradient * share, inputs[0].shape), np.float32)]


def _clip(_node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values) -> Gradients:
    return [gradient * (inputs[0] == output), *[None] * (len(inputs) - 1)]


def _extreme(
    node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    shape = _kept_shape(node, inputs)
    hits = inputs[0] == output.reshape(shape)
    axes = tuple(axis for axis, size in enumerate(shape) if size != inputs[0].shape[axis])
    share = gradient.reshape(shape) / np.float32(hits.sum(axis=axes, keepdims=True))
    return [np.asarray(hits * share, np.float32), *[None] * (len(inputs) - 1)]


def _global_extreme(
    _node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    hits = inputs[0] == output
    axes = tuple(range(2, inputs[0].ndim))
    share = gradient / np.float32(hits.sum(axis=axes, keepdims=True))
    return [np.asarray(hits * share, np.float32)]


def _kept_shape(node: ir.Node, inputs: Sequence[Values]) -> tuple[int, ...]:
    attribute = node.attributes.get("axes")
    axes = [int(axis) for axis in inputs[1].reshape(-1)] if len(inputs) > 1 else []
    axes = list(attribute.as_ints()) if attribute is not None else axes
    rank = inputs[0].ndim
    reduced = {axis % rank for axis in axes} if axes else set(range(rank))
    return tuple(1 if axis in reduced else size for axis, size in enumerate(inputs[0].shape))


def _integer(node: ir.Node, name: str, default: int) -> int:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.as_int()


DERIVATIVES: dict[str, Derivative] = {
    "Add": _add,
    "Sub": _sub,
    "Mul": _mul,
    "Div": _div,
    "Pow": _power,
    "Sqrt": square_root_gradient,
    "Relu": relu_gradient,
    "Tanh": tanh_gradient,
    "Sigmoid": sigmoid_gradient,
    "Erf": erf_gradient,
    "Gelu": gelu_gradient,
    "Softmax": _softmax,
    "LayerNormalization": _layer_normalization,
    "MatMul": _mat_mul,
    "Gemm": _gemm,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Identity": _reshape,
    "Transpose": _transpose,
    "Gather": _gather,
    "ReduceMean": _reduced,
    "ReduceSum": _reduced,
    "GlobalAveragePool": _pooled,
    "Clip": _clip,
    "Exp": exponential_gradient,
    "Log": logarithm_gradient,
    "Reciprocal": reciprocal_gradient,
    "Neg": negative_gradient,
    "LeakyRelu": leaky_gradient,
    "HardSigmoid": hard_sigmoid_gradient,
    "HardSwish": hard_swish_gradient,
    "ReduceMax": _extreme,
    "ReduceMin": _extreme,
    "GlobalMaxPool": _global_extreme,
    "Max": chosen,
    "Min": chosen,
    "Where": selected,
    "Concat": joined,
    "Slice": sliced,
    "Expand": expanded,
    "Cast": cast,
    "Conv": convolved,
    "MaxPool": largest_pooled,
    "AveragePool": evenly_pooled,
    "BatchNormalization": normalized,
}
