"""What was chosen for each weight and why, as a record."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelpack.graph.entropy.allocation import Curve, predicted_error
from modelpack.graph.entropy.rendering import Products
from modelpack.graph.entropy.solve import Attempt, Solution


class LedgerEntry(Struct, frozen=True, rename="camel"):
    """One weight on its grid: the entropy of its integers, the bytes that takes, and its share of the predicted error.

    `reason` says how it was rounded, and what it is multiplied as.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    step: float
    bits: float
    entropy_bytes: float
    error_share: float
    reason: str


class LedgerAttempt(Struct, frozen=True, rename="camel"):
    """One try on the tune samples. `load` is error over allowed error, margin included: at most 1 where the limits hold.

    `tightest` is the metric of the limit that the load comes from. `best` tells whether no other try is both smaller and
    nearer to the model: the tries of which it is true are the Pareto set.
    """

    products: str
    scale: float
    load: float
    figures: tuple[tuple[str, float], ...]
    entropy_bytes: float
    tightest: str
    best: bool


class Ledger(Struct, frozen=True, rename="camel"):
    """What was chosen for a variant and what was tried on the way."""

    products: str
    attempts: tuple[LedgerAttempt, ...]
    entries: tuple[LedgerEntry, ...]


def make_ledger(
    products: Products, chosen: Solution, tried: Sequence[tuple[Products, Solution]]
) -> Ledger:
    """The ledger of the chosen solution; the weights that take most bytes first."""
    every = [each for _, solution in tried for each in solution.attempts]
    attempts = tuple(
        LedgerAttempt(
            form,
            each.scale,
            each.load,
            each.figures,
            each.entropy_bytes,
            each.tightest,
            _is_best(each, every),
        )
        for form, solution in tried
        for each in solution.attempts
    )
    entries = sorted(_entries(chosen), key=lambda entry: (-entry.entropy_bytes, entry.name))
    return Ledger(products, attempts, tuple(entries))


def _is_best(attempt: Attempt, every: Sequence[Attempt]) -> bool:
    return not any(
        other.entropy_bytes <= attempt.entropy_bytes
        and other.load <= attempt.load
        and (other.entropy_bytes, other.load) != (attempt.entropy_bytes, attempt.load)
        for other in every
    )


def _reason(curve: Curve, solution: Solution) -> str:
    grid, curvature = solution.grids[curve.name], solution.seen.curvature
    if grid.basis is not None:
        rounding = "rotated, each number to the nearest"
    elif curve.name in curvature:
        rounding = "feedback along each row" if curve.kind == "rows" else "feedback along both axes"
    elif curve.name in solution.seen.moments and grid.correction.size:
        rounding = "feedback along its inputs"
    else:
        rounding = "each number to the nearest"
    if grid.divisors.size:
        return f"{rounding}; inputs made more equally strong"
    return f"{rounding}; product of floats" if grid.in_floats else rounding


def _entries(solution: Solution) -> list[LedgerEntry]:
    total = predicted_error(solution.curves, solution.steps) or 1.0
    entries = []
    for curve in solution.curves:
        grid = solution.grids[curve.name]
        size, shape = grid.entropy_bytes, grid.integers.shape
        bits = 8 * size / grid.integers.size
        step = solution.steps[curve.name]
        share = curve.cost * step**2 / total
        entries.append(
            LedgerEntry(
                curve.name, shape, curve.kind, step, bits, size, share, _reason(curve, solution)
            )
        )
    return entries
