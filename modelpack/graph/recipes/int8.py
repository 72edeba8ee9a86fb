"""Rounding weights to 8 bits: int8 around zero, or uint8 from the least to the largest number, per channel or whole."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.recipes.weights import Floats

# The full range. `reduce_range` (7 bits) is for processors whose u8×s8 products saturate at 16 bits. WebAssembly has no
# such instruction: onnxruntime-web 1.30 gives 64 × 255 × 127 exactly (2026-11, one thread, SIMD build).
LARGEST = 127

_MOST_UNSIGNED = 255

Int8s = NDArray[np.int8]
UInt8s = NDArray[np.uint8]
T = TypeVar("T", bound=np.generic)


class Grid(Struct, frozen=True):
    """Integers in the weight's shape, the step of each channel, and of uint8 also the integer that stands for zero."""

    integers: Int8s | UInt8s
    steps: Floats
    zeros: UInt8s | None = None

    @property
    def size_bytes(self) -> int:
        """What it takes to store it."""
        zeros = 0 if self.zeros is None else self.zeros.nbytes
        return self.integers.nbytes + self.steps.nbytes + zeros


class Rounding(Struct, frozen=True):
    """Which 8 bits: `signed` int8 or uint8, each channel on its own grid or all on one."""

    signed: bool = True
    per_channel: bool = True

    def grid(self, weight: Floats, axis: int) -> Grid:
        """The weight on its grid; `axis` is the one along which channels lie."""
        if not self.per_channel:
            return self._of_all(weight, axis)
        if self.signed:
            return Grid(*round_channels(weight, axis))
        return round_unsigned(weight, axis)

    def _of_all(self, weight: Floats, axis: int) -> Grid:
        """The same step for every channel: the forms stay the same, and equal steps compress to nothing."""
        whole = Rounding(signed=self.signed).grid(weight.reshape(1, -1), 0)
        channels = weight.shape[axis]
        zeros = None if whole.zeros is None else np.full(channels, whole.zeros[0], np.uint8)
        steps = np.full(channels, whole.steps[0], np.float32)
        return Grid(whole.integers.reshape(weight.shape), steps, zeros)


def round_channels(weight: Floats, axis: int) -> tuple[Int8s, Floats]:
    """The weight as integers in its own shape, and float32 [channels]: the step of each channel along `axis`.

    A channel of zeros gets step 1, so that no step is zero.
    """
    channels_first = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
    largest = np.abs(channels_first).max(axis=1)
    steps = np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
    rounded = np.rint(weight / along(steps, axis, weight.ndim))
    return np.clip(rounded, -LARGEST, LARGEST).astype(np.int8), steps


def round_unsigned(weight: Floats, axis: int) -> Grid:
    """The weight as uint8: each channel from its least number (at most 0) to its largest (at least 0), 0 met exactly.

    A channel of zeros gets step 1 and zero point 0.
    """
    channels_first = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
    least = np.minimum(channels_first.min(axis=1), 0)
    span = np.maximum(channels_first.max(axis=1), 0) - least
    steps = np.where(span > 0, span / _MOST_UNSIGNED, 1).astype(np.float32)
    zeros = np.clip(np.rint(-least / steps), 0, _MOST_UNSIGNED)
    moved = np.rint(weight / along(steps, axis, weight.ndim)) + along(zeros, axis, weight.ndim)
    integers = np.clip(moved, 0, _MOST_UNSIGNED).astype(np.uint8)
    return Grid(integers, steps, zeros.astype(np.uint8))


def along(numbers: NDArray[T], axis: int, rank: int) -> NDArray[T]:
    """The numbers (steps, zero points), shaped so that they meet a weight of that rank along `axis`."""
    shape = [1] * rank
    shape[axis] = -1
    return numbers.reshape(shape)
