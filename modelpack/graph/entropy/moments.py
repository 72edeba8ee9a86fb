"""Second moments of what reaches a weight: how strong each input is, and which move together.

The mean is removed: what a weight's rounding does to the mean of its inputs is a constant, and goes into the bias.
Moments of many inputs are kept in blocks along the diagonal, so that memory grows with the model and not with its square.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.entropy.patches import some_patches
from modelpack.graph.entropy.taps import Tap
from modelpack.graph.recipes.weights import Floats
from modelpack.graph.sessions import Array

Doubles = NDArray[np.float64]

BLOCK_INPUTS = 2048  # a block of 32 MB while it is summed
_BUFFER_ROWS = (
    1024  # that are multiplied at once: adding to a large matrix costs more than the product
)


NO_FLOATS: Floats = np.zeros(0, np.float32)


class Moments(Struct, frozen=True):
    """What was seen at one tap.

    mean: float64 [groups, inputs]. blocks: float64 [groups, n, n] each, covering the inputs in order.
    counts: of looked-up rows, int64 [rows]; empty for others. largest: of a product, how far each input reaches, float32
    [inputs]; empty for others.
    """

    mean: Doubles
    blocks: tuple[Doubles, ...]
    counts: NDArray[np.int64]
    largest: Floats = NO_FLOATS


class Summed:
    """Sums of one tap over samples."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        groups = tap.patches.groups if tap.patches else 1
        rows = tap.kind == "rows"
        self._counts = np.zeros(tap.size if rows else 0, np.int64)
        self._seen = 0
        self._waiting: list[NDArray[np.float32]] = []
        self._waiting_rows = 0
        inputs = 0 if rows else tap.size
        self._sum = np.zeros((groups, inputs))
        self._largest = np.zeros(inputs if tap.kind == "product" else 0, np.float32)
        ends = [*range(BLOCK_INPUTS, inputs, BLOCK_INPUTS), inputs] if inputs else []
        self._bounds = tuple(zip([0, *ends], ends, strict=False))
        self._blocks = tuple(
            np.zeros((groups, end - start, end - start)) for start, end in self._bounds
        )

    def add(self, value: Array, random: np.random.Generator) -> None:
        """Adds what one sample gave."""
        if self._tap.kind == "rows":
            ids = np.asarray(value, np.int64).reshape(-1)
            ids = np.where(ids < 0, ids + self._tap.size, ids)
            self._counts += np.bincount(ids, minlength=self._tap.size)
            return
        inputs = self._inputs(np.asarray(value, np.float32), random)
        self._waiting.append(inputs)
        self._waiting_rows += inputs.shape[1]
        if self._waiting_rows >= _BUFFER_ROWS:
            self._flush()

    def moments(self) -> Moments:
        """What was summed, per input seen, with the mean removed."""
        self._flush()
        seen = max(self._seen, 1)
        mean = self._sum / seen
        blocks = []
        for (start, end), block in zip(self._bounds, self._blocks, strict=True):
            part = mean[:, start:end]
            blocks.append(block / seen - part[:, :, None] * part[:, None, :])
        return Moments(mean, tuple(blocks), self._counts, self._largest)

    def _flush(self) -> None:
        if not self._waiting:
            return
        inputs = np.concatenate(self._waiting, axis=1)
        self._waiting, self._waiting_rows = [], 0
        self._seen += inputs.shape[1]
        self._sum += inputs.sum(axis=1, dtype=np.float64)
        if self._largest.size:
            np.maximum(self._largest, np.abs(inputs).max(axis=(0, 1)), out=self._largest)
        for (start, end), block in zip(self._bounds, self._blocks, strict=True):
            part = inputs[:, :, start:end]
            np.add(block, part.transpose(0, 2, 1) @ part, out=block)

    def _inputs(
        self, value: NDArray[np.float32], random: np.random.Generator
    ) -> NDArray[np.float32]:
        """float32 [groups, seen, inputs]."""
        patches = self._tap.patches
        if patches is None:
            return value.reshape(1, -1, self._tap.size)
        return some_patches(value, patches, random)
