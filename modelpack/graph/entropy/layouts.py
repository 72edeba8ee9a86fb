"""Reverse-mode derivatives of operators that move, repeat or choose numbers, in the form of `derivatives`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

Values = NDArray[np.float32]
Gradients = Sequence["Values | None"]


def summed(gradient: Values, shape: tuple[int, ...]) -> Values:
    """The gradient of what was broadcast from `shape`."""
    extra = gradient.ndim - len(shape)
    if extra:
        gradient = gradient.sum(axis=tuple(range(extra)))
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1)
    return np.asarray(gradient.sum(axis=ones, keepdims=True) if ones else gradient, np.float32)


def joined(node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    """Of Concat's inputs."""
    axis = node.attributes["axis"].as_int()
    ends = np.cumsum([each.shape[axis] for each in inputs])[:-1]
    return list(np.split(gradient, ends, axis=axis))


def sliced(node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    """Of Slice's input."""
    found = np.zeros(inputs[0].shape, np.float32)
    found[_slices(node, inputs)] = gradient
    return [found, *[None] * (len(inputs) - 1)]


def expanded(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of Expand's input."""
    return [summed(gradient, inputs[0].shape), None]


def cast(_node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values) -> Gradients:
    """Of Cast's input: numbers that are no floats do not move a little."""
    return [gradient if np.issubdtype(inputs[0].dtype, np.floating) else None]


def chosen(_node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values) -> Gradients:
    """Of the inputs of Max and Min: the one that was taken; equal ones share."""
    hits = [(each == output).astype(np.float32) for each in inputs]
    share = gradient / np.maximum(np.sum(hits, axis=0), 1)
    return [summed(share * hit, each.shape) for hit, each in zip(hits, inputs, strict=True)]


def selected(
    _node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of the two inputs of Where."""
    condition, left, right = inputs
    zeros = np.zeros_like(gradient)
    return [
        None,
        summed(np.where(condition, gradient, zeros), left.shape),
        summed(np.where(condition, zeros, gradient), right.shape),
    ]


def _slices(node: ir.Node, inputs: Sequence[Values]) -> tuple[slice, ...]:
    starts, ends = _numbers(node, inputs, 1, "starts"), _numbers(node, inputs, 2, "ends")
    axes = _numbers(node, inputs, 3, "axes") or list(range(len(starts)))
    steps = _numbers(node, inputs, 4, "steps") or [1] * len(starts)
    shape = inputs[0].shape
    slices = [slice(None)] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # An end before the first number, as ONNX writes it for negative steps, is none in Python.
        beyond = step < 0 and end < -shape[axis]
        slices[axis] = slice(start, None if beyond else end, step)
    return tuple(slices)


def _numbers(node: ir.Node, inputs: Sequence[Values], index: int, name: str) -> list[int]:
    """From the input, or, before opset 10, from the attribute."""
    attribute = node.attributes.get(name)
    if attribute is not None:
        return list(attribute.as_ints())
    return [int(number) for number in inputs[index].reshape(-1)] if index < len(inputs) else []
