"""One weight on its grid: the integers, their steps, and what they cost to send."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from modelpack.graph.entropy.matrices import Ints
from modelpack.graph.recipes.int8 import along
from modelpack.graph.recipes.weights import Floats

NOTHING: Floats = np.zeros(0, np.float32)

# A rotated table is stored in bands of columns, because its columns differ in strength and compressors see one stream:
# on MiniLM brotli spends 3.47 MB on one band and 3.22 MB on 16, close to the columns' own entropy.
BANDS = 16


class Basis(Struct, frozen=True):
    """What leads from a rotated table back to its rows: a product and an addition.

    integers: int8 [columns, columns] with a step for each row, float32. origin: float32 [columns], the mean of all rows.
    """

    integers: Ints
    steps: Floats
    origin: Floats

    def matrix(self) -> Floats:
        """What the rows are multiplied by."""
        return self.integers.astype(np.float32) * self.steps[:, None]


class Grid(Struct, frozen=True):
    """Integers int8 in the weight's shape, steps float32 [channels] along its axis, correction float32 [outputs] or [].

    With a basis, the integers are those of a table of rows in other coordinates (see `rotation`). `in_floats`: the
    product stays one of floats, even in a form that multiplies integers. Where there are divisors, float32 [inputs], the
    integers are those of a product whose inputs are divided by them.
    """

    integers: Ints
    steps: Floats
    correction: Floats = NOTHING
    basis: Basis | None = None
    in_floats: bool = False
    divisors: Floats = NOTHING

    def floats(self, axis: int) -> Floats:
        """What the integers stand for, in the weight's shape."""
        numbers = self.integers.astype(np.float32) * along(self.steps, axis, self.integers.ndim)
        floats = (
            numbers if self.basis is None else numbers @ self.basis.matrix() + self.basis.origin
        )
        return np.asarray(floats, np.float32)

    @property
    def entropy_bytes(self) -> float:
        """What an ideal coder of single numbers spends on the integers, the basis included."""
        if self.basis is None:
            return _bytes(self.integers)
        return sum(map(_bytes, bands(self.integers))) + _bytes(self.basis.integers)


def bands(table: Ints) -> list[Ints]:
    """The table in bands of columns as equally wide as can be."""
    parts = np.array_split(table, min(BANDS, table.shape[1]), axis=1)
    return [np.ascontiguousarray(part) for part in parts]


def entropy_bits(integers: Ints) -> float:
    """The entropy of one integer, in bits: what an ideal coder of single numbers spends on it."""
    counts = np.bincount(integers.reshape(-1).view(np.uint8), minlength=256)
    shares = counts[counts > 0] / integers.size
    return float(-(shares * np.log2(shares)).sum())


def _bytes(integers: Ints) -> float:
    return entropy_bits(integers) * integers.size / 8
