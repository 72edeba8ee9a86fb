from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.entropy.rotation import find_basis, rotated
from tests.support.recipes import floats

Floats = NDArray[np.float32]
EVEN = np.eye(16)


def dependent(rows: int) -> Floats:
    """Rows of 16 columns of which 4 would say nearly everything: float32 [rows, 16]."""
    return floats(0, rows, 4) @ floats(1, 4, 16) + np.float32(0.05) * floats(2, rows, 16) + 1


def ones(rows: int) -> Floats:
    return np.ones(rows, np.float32)


def test_rotated_columns_do_not_move_together_and_come_back() -> None:
    table = dependent(3000)
    basis = find_basis(table, ones(3000), EVEN)
    assert basis is not None
    turned = rotated(table, basis)
    together = np.corrcoef(turned.T) - np.eye(16)
    assert np.abs(together).max() < 0.2  # the basis is stored in 8 bits
    assert turned[:, 0].std() > 5 * turned[:, 4].std()
    assert np.allclose(turned @ basis.matrix() + basis.origin, table, atol=1e-4)


def test_rotated_even_errors_are_even_in_the_metric() -> None:
    outputs = np.diag(np.linspace(1, 20, 16))
    basis = find_basis(dependent(3000), ones(3000), outputs)
    assert basis is not None
    matrix = basis.matrix().astype(np.float64)
    damped = outputs / outputs.diagonal().mean() + 0.1 * EVEN
    found = matrix @ damped @ matrix.T
    assert np.allclose(found / found[0, 0], EVEN, atol=0.05)


def test_find_basis_none_where_it_would_not_pay() -> None:
    assert find_basis(dependent(20), ones(20), EVEN) is None  # few rows
    assert find_basis(floats(0, 5000, 16), ones(5000), EVEN) is None  # nothing is said twice
    assert find_basis(np.zeros((5000, 16), np.float32), ones(5000), EVEN) is None
    assert find_basis(dependent(3000), ones(3000), np.zeros((16, 16))) is None
