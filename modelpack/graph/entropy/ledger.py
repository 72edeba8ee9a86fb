"""What was chosen for each weight and why, as a record."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelpack.graph.entropy.allocation import predicted_error
from modelpack.graph.entropy.rendering import Products
from modelpack.graph.entropy.solve import Solution


class LedgerEntry(Struct, frozen=True, rename="camel"):
    """One weight on its grid: the entropy of its integers, the bytes that takes, and its share of the predicted error."""

    name: str
    shape: tuple[int, ...]
    kind: str
    step: float
    bits: float
    entropy_bytes: float
    error_share: float


class LedgerAttempt(Struct, frozen=True, rename="camel"):
    """One try on the tune samples. `load` is error over allowed error, margin included: at most 1 where the limits hold."""

    products: str
    scale: float
    load: float
    figures: tuple[tuple[str, float], ...]
    entropy_bytes: float


class Ledger(Struct, frozen=True, rename="camel"):
    """What was chosen for a variant and what was tried on the way."""

    products: str
    attempts: tuple[LedgerAttempt, ...]
    entries: tuple[LedgerEntry, ...]


def make_ledger(
    products: Products, chosen: Solution, tried: Sequence[tuple[Products, Solution]]
) -> Ledger:
    """The ledger of the chosen solution; the weights that take most bytes first."""
    attempts = tuple(
        LedgerAttempt(form, each.scale, each.load, each.figures, each.entropy_bytes)
        for form, solution in tried
        for each in solution.attempts
    )
    entries = sorted(_entries(chosen), key=lambda entry: (-entry.entropy_bytes, entry.name))
    return Ledger(products, attempts, tuple(entries))


def _entries(solution: Solution) -> list[LedgerEntry]:
    total = predicted_error(solution.curves, solution.steps) or 1.0
    entries = []
    for curve in solution.curves:
        grid = solution.grids[curve.name]
        size, shape = grid.entropy_bytes, grid.integers.shape
        bits = 8 * size / grid.integers.size
        step = solution.steps[curve.name]
        share = curve.cost * step**2 / total
        entries.append(LedgerEntry(curve.name, shape, curve.kind, step, bits, size, share))
    return entries
