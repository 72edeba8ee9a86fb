"""Tables of rows in coordinates that do not move together: fewer bits at the same error, for one small product per look-up.

Columns of an embedding say partly the same, and a coder of single numbers pays for it twice. So the table is stored as
Y = (W - m) A, m the mean row, and look-ups give y A⁻¹ + m. A makes the columns of Y uncorrelated and an even error in Y an even error in the metric
of the outputs: with G = L Lᵀ and the eigenvectors V of Lᵀ (WᵀW) L, A = L V (a Karhunen-Loève transform in that metric).
"""

from __future__ import annotations

import numpy as np

from modelpack.graph.entropy.grid import Basis
from modelpack.graph.entropy.rounding import Doubles
from modelpack.graph.recipes.int8 import round_channels
from modelpack.graph.recipes.weights import Floats

DAMPING = (
    0.1  # of G; MiniLM: 0.3 costs 1 % of the table's bytes at equal error, 1 costs another 0.2 %
)
_BITS = 8  # of one number of the basis
_WORTH = 2.0  # times its own bytes that a basis must save: it also costs a product per look-up


def find_basis(table: Floats, factors: Floats, outputs: Doubles) -> Basis | None:
    """The basis for a table whose rows get steps in proportion to `factors`; None where it would not pay.

    `outputs` float64 [columns, columns] is the metric of errors in the rows.
    """
    columns = table.shape[1]
    origin = table.mean(axis=0)
    rows = (table - origin) / factors[:, None]
    metric = _damped(outputs)
    together = rows.T.astype(np.float64) @ rows / max(len(rows), 1)
    if metric is None or not _pays(together, len(rows)):
        return None
    root = np.linalg.cholesky(metric)
    _, vectors = np.linalg.eigh(root.T @ together @ root)
    inverse = np.linalg.inv(root @ vectors[:, ::-1])  # strongest first
    # Six bits would take 35 kB less of MiniLM at no loss, but mix strong columns into weak ones where they differ more.
    integers, steps = round_channels(inverse.astype(np.float32), 0)
    basis = Basis(integers, steps, origin)
    return basis if np.linalg.matrix_rank(basis.matrix()) == columns else None


def rotated(rows: Floats, basis: Basis) -> Floats:
    """The rows in that basis: times the inverse of the very integers that are stored."""
    inverse = np.linalg.inv(basis.matrix().astype(np.float64))
    return np.asarray((rows - basis.origin) @ inverse.astype(np.float32), np.float32)


def _damped(outputs: Doubles) -> Doubles | None:
    """The metric, damped, with determinant 1, so that steps keep their meaning."""
    mean = float(np.trace(outputs)) / len(outputs)
    if not mean > 0:
        return None
    damped = outputs / mean + DAMPING * np.eye(len(outputs))
    _, log = np.linalg.slogdet(damped)
    return np.asarray(damped / np.exp(log / len(outputs)), np.float64)


def _pays(together: Doubles, rows: int) -> bool:
    """Whether the bits that uncorrelated columns save, in the high-rate limit, are worth the basis."""
    columns = len(together)
    diagonal = np.diagonal(together)
    if not (diagonal > 0).all():
        return False
    sign, log = np.linalg.slogdet(together)
    if sign <= 0:  # fewer rows than columns, or columns that are exact copies
        return False
    saved = rows * float(np.log(diagonal).sum() - log) / (2 * np.log(2))
    return bool(saved > _WORTH * _BITS * columns * columns)
