"""Rounding weights to int8: one symmetric grid per channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.recipes.weights import Floats

# The full range. `reduce_range` (7 bits) is for processors whose u8×s8 products saturate at 16 bits. WebAssembly has no
# such instruction: onnxruntime-web 1.30 gives 64 × 255 × 127 exactly (2026-11, one thread, SIMD build).
LARGEST = 127

Int8s = NDArray[np.int8]
Grid = tuple[
    Int8s, Floats
]  # integers in the weight's shape, and the step of each channel, float32 [channels]


def round_channels(weight: Floats, axis: int) -> Grid:
    """The weight as integers in its own shape, and float32 [channels]: the step of each channel along `axis`.

    A channel of zeros gets step 1, so that no step is zero.
    """
    channels_first = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
    largest = np.abs(channels_first).max(axis=1)
    steps = np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
    rounded = np.rint(weight / along(steps, axis, weight.ndim))
    return np.clip(rounded, -LARGEST, LARGEST).astype(np.int8), steps


def along(steps: Floats, axis: int, rank: int) -> Floats:
    """The steps, shaped so that they multiply a weight of that rank along `axis`."""
    shape = [1] * rank
    shape[axis] = -1
    return steps.reshape(shape)
