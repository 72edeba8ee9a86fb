"""Reverse-mode derivatives of functions of single numbers, in the form of `derivatives`."""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, pi, sqrt

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

Values = NDArray[np.float32]
Gradients = Sequence["Values | None"]


def square_root_gradient(
    _node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of Sqrt's input."""
    return [gradient / (2 * output)]


def relu_gradient(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of Relu's input."""
    return [gradient * (inputs[0] > 0)]


def tanh_gradient(
    _node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of Tanh's input."""
    return [gradient * (1 - output * output)]


def sigmoid_gradient(
    _node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of Sigmoid's input."""
    return [gradient * output * (1 - output)]


def erf_gradient(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of Erf's input."""
    return [gradient * np.float32(2 / sqrt(pi)) * np.exp(-inputs[0] * inputs[0])]


def gelu_gradient(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of Gelu (the exact one)'s input."""
    value = inputs[0].astype(np.float64)
    bell = np.exp(-value * value / 2) / sqrt(2 * pi)
    below = (1 + np.vectorize(erf)(value / sqrt(2))) / 2
    return [np.asarray(gradient * (below + value * bell), np.float32)]


def exponential_gradient(
    _node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of Exp's input."""
    return [gradient * output]


def logarithm_gradient(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of Log's input."""
    return [gradient / inputs[0]]


def reciprocal_gradient(
    _node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of Reciprocal's input."""
    return [-gradient * output * output]


def negative_gradient(
    _node: ir.Node, _inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of Neg's input."""
    return [-gradient]


def leaky_gradient(
    node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of LeakyRelu's input."""
    slope = np.float32(_number(node, "alpha", 0.01))
    return [np.where(inputs[0] > 0, gradient, slope * gradient)]


def hard_sigmoid_gradient(
    node: ir.Node, _inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of HardSigmoid's input."""
    slope = np.float32(_number(node, "alpha", 0.2))
    return [gradient * slope * ((output > 0) & (output < 1))]


def hard_swish_gradient(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of HardSwish's input."""
    value = inputs[0]
    slope = np.where(
        value >= 3, np.float32(1), np.where(value <= -3, np.float32(0), value / 3 + 0.5)
    )
    return [np.asarray(gradient * slope, np.float32)]


def _number(node: ir.Node, name: str, default: float) -> float:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.as_float()
