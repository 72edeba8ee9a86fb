"""Reverse-mode derivatives of filters and pools, in the form of `derivatives`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from modelpack.graph.entropy.windows import Values, kernel_of, windows_of

Gradients = Sequence["Values | None"]


def convolved(
    node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of Conv's input; that of its weight is not asked for."""
    image, filters = inputs[:2]
    windows = windows_of(node, filters.shape[2:], image.shape[2:], output.shape[2:])
    attribute = node.attributes.get("group")
    groups = 1 if attribute is None else attribute.as_int()
    batch, places = len(image), output.shape[2:]
    taken = filters.reshape(groups, len(filters) // groups, *filters.shape[1:])
    kernels = np.moveaxis(taken, (0, 1, 2), (-3, -2, -1))  # [kernel…, groups, outputs, inputs]
    given = gradient.reshape(batch, groups, len(filters) // groups, -1)
    found = np.zeros_like(windows.padded(image))
    for offset, span in windows.offsets():
        part = kernels[offset]
        reached = part.swapaxes(1, 2) @ given
        found[span] += reached.reshape(batch, -1, *places)
    return [windows.cropped(found, image.shape[2:]), *[None] * (len(inputs) - 1)]


def largest_pooled(
    node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of MaxPool's input: the largest cell of each window takes all; equal ones share."""
    image = inputs[0]
    windows = windows_of(node, kernel_of(node), image.shape[2:], output.shape[2:])
    padded = windows.padded(image, -np.inf)
    hits = sum((padded[span] == output).astype(np.float32) for _, span in windows.offsets())
    share = gradient / np.maximum(hits, 1)
    found = np.zeros_like(padded)
    for _, span in windows.offsets():
        found[span] += share * (padded[span] == output)
    return [windows.cropped(found, image.shape[2:])]


def evenly_pooled(
    node: ir.Node, inputs: Sequence[Values], output: Values, gradient: Values
) -> Gradients:
    """Of AveragePool's input."""
    image = inputs[0]
    windows = windows_of(node, kernel_of(node), image.shape[2:], output.shape[2:])
    attribute = node.attributes.get("count_include_pad")
    counted = windows.padded(np.ones_like(image))
    share = gradient / np.float32(np.prod(windows.kernel))
    if attribute is None or not attribute.as_int():
        share = gradient / np.maximum(sum(counted[span] for _, span in windows.offsets()), 1)
    found = np.zeros_like(counted)
    for _, span in windows.offsets():
        found[span] += share
    return [windows.cropped(found, image.shape[2:])]


def normalized(
    node: ir.Node, inputs: Sequence[Values], _output: Values, gradient: Values
) -> Gradients:
    """Of BatchNormalization's input, with the statistics it has learned."""
    attribute = node.attributes.get("epsilon")
    epsilon = 1e-5 if attribute is None else attribute.as_float()
    scale = inputs[1] / np.sqrt(inputs[4] + np.float32(epsilon))
    shape = (1, -1, *(1,) * (gradient.ndim - 2))
    return [gradient * scale.reshape(shape), *[None] * (len(inputs) - 1)]
