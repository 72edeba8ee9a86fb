"""Reverse-mode derivatives of the operators that lie between weights and outputs, on arrays.

Each function takes a node, its inputs, its first output and the gradient of that output, all as arrays, and gives the
gradient of each input; None where it has none (indices, shapes) or where nobody will ask (constants).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import erf, pi, sqrt

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

Values = NDArray[np.float32]
Arrays = Sequence["NDArray[np.generic] | None"]
Gradients = Sequence["Values | None"]
Derivative = Callable[[ir.Node, Sequence[Values], Values, Values], Gradients]


def _summed(gradient: Values, shape: tuple[int, ...]) -> Values:
    """The gradient of what was broadcast from `shape`."""
    extra = gradient.ndim - len(shape)
    if extra:
        gradient = gradient.sum(axis=tuple(range(extra)))
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1)
    return np.asarray(gradient.sum(axis=ones, keepdims=True) if ones else gradient, np.float32)


def _add(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    return [_summed(gradient, each.shape) for each in inputs]


def _sub(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    return [_summed(gradient, inputs[0].shape), _summed(-gradient, inputs[1].shape)]


def _mul(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    left, right = inputs
    return [_summed(gradient * right, left.shape), _summed(gradient * left, right.shape)]


def _div(_node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values) -> Gradients:
    left, right = inputs
    share = gradient / right
    return [_summed(share, left.shape), _summed(-share * output, right.shape)]


def _power(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    base, exponent = inputs
    return [_summed(gradient * exponent * np.power(base, exponent - 1), base.shape), None]


def _square_root(
    _node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    return [gradient / (2 * output)]


def _relu(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    return [gradient * (inputs[0] > 0)]


def _tanh(_node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values) -> Gradients:
    return [gradient * (1 - output * output)]


def _sigmoid(
    _node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    return [gradient * output * (1 - output)]


def _erf(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    return [gradient * np.float32(2 / sqrt(pi)) * np.exp(-inputs[0] * inputs[0])]


def _gelu(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    value = inputs[0].astype(np.float64)
    bell = np.exp(-value * value / 2) / sqrt(2 * pi)
    below = (1 + np.vectorize(erf)(value / sqrt(2))) / 2
    return [np.asarray(gradient * (below + value * bell), np.float32)]


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
    of_left = _summed(gradient @ right.swapaxes(-1, -2), left.shape)
    # The gradient of a weight is not asked for, and would be the largest array of all.
    of_right = None if right.ndim == 2 else _summed(left.swapaxes(-1, -2) @ gradient, right.shape)
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
    "Sqrt": _square_root,
    "Relu": _relu,
    "Tanh": _tanh,
    "Sigmoid": _sigmoid,
    "Erf": _erf,
    "Gelu": _gelu,
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
}
