"""One weight on the grid of a recipe: the bytes that will be stored, and the numbers that come back."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.recipes.int8 import along, round_channels
from modelpack.graph.recipes.weights import Floats, Weight

Bytes = NDArray[np.uint8]
_LARGEST = 127


class OnGrid(Struct, frozen=True):
    """What is stored of a weight (`symbols`: one byte each, `extra_bytes` of scales beside them), and what it stands for."""

    symbols: Bytes
    extra_bytes: int
    restored: Floats


def as_floats(weight: Floats) -> OnGrid:
    """The weight as it is."""
    return OnGrid(np.frombuffer(weight.tobytes(), np.uint8), 0, weight)


def as_halves(weight: Floats) -> OnGrid:
    """The weight in half precision."""
    half = np.clip(weight, -65504, 65504).astype(np.float16)
    return OnGrid(np.frombuffer(half.tobytes(), np.uint8), 0, half.astype(np.float32))


def as_int8(weight: Weight) -> OnGrid:
    """The weight in 8 bits, each channel with its scale."""
    array = weight.array()
    integers, steps = round_channels(array, weight.axis)
    restored = integers * along(steps, weight.axis, array.ndim)
    return OnGrid(integers.view(np.uint8).ravel(), steps.nbytes, restored.astype(np.float32))


def as_blocks(weight: Weight, block_size: int, scale_bytes: int) -> OnGrid:
    """The weight in 4 bits, each block of a channel with a scale."""
    array = weight.array()
    rows = np.moveaxis(array, weight.axis, 0).reshape(array.shape[weight.axis], -1)
    padding = -rows.shape[1] % block_size
    grouped = np.pad(rows, ((0, 0), (0, padding))).reshape(-1, block_size)
    extremes = grouped[np.arange(len(grouped)), np.abs(grouped).argmax(axis=1)]
    steps = np.where(extremes == 0, 1, extremes / -8)[:, None].astype(np.float32)
    integers = np.clip(np.rint(grouped / steps), -8, 7)
    numbers = (integers + 8).astype(np.uint8).ravel()
    restored = (integers * steps).reshape(rows.shape[0], -1)[:, : rows.shape[1]]
    moved = np.moveaxis(array, weight.axis, 0).shape
    back = np.moveaxis(restored.reshape(moved), 0, weight.axis)
    packed = numbers[0::2] | (numbers[1::2] << 4)
    return OnGrid(packed, len(steps) * scale_bytes, np.ascontiguousarray(back, np.float32))


def as_coarse(weight: Weight, relative_step: float) -> OnGrid:
    """The weight on a grid whose step is that share of its own spread, wider where a channel would leave 8 bits."""
    array = weight.array()
    axes = tuple(axis for axis in range(array.ndim) if axis != weight.axis)
    spread = float(np.sqrt(np.mean(np.square(array, dtype=np.float64)))) or 1.0
    widest = np.abs(array).max(axis=axes, keepdims=True)
    steps = np.maximum(relative_step * spread, widest / _LARGEST).astype(np.float32)
    integers = np.rint(array / steps).astype(np.int8)
    extra = array.shape[weight.axis] * 4
    return OnGrid(integers.view(np.uint8).ravel(), extra, (integers * steps).astype(np.float32))
