"""Grids as a file: the hand-over from the step `solve` to the step `quantize`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from modelpack.graph.entropy.arrays import write_arrays
from modelpack.graph.entropy.grid import Basis, Grid
from modelpack.graph.entropy.rendering import Products
from modelpack.graph.golden.arrays import ArrayFile
from modelpack.graph.sessions import Array


def write_grids(path: Path, products: Products, grids: Mapping[str, Grid]) -> Path:
    """`path`, with the grids in it, and how products are to be computed."""
    arrays: dict[str, Array] = {
        "products": np.array([products], np.str_),
        "names": np.array(sorted(grids), np.str_),
    }
    for number, name in enumerate(sorted(grids)):
        arrays[f"{number}/integers"] = grids[name].integers
        arrays[f"{number}/steps"] = grids[name].steps
        arrays[f"{number}/correction"] = grids[name].correction
        arrays[f"{number}/divisors"] = grids[name].divisors
        arrays[f"{number}/in_floats"] = np.array([grids[name].in_floats])
        basis = grids[name].basis
        if basis is not None:
            arrays[f"{number}/basis"] = basis.integers
            arrays[f"{number}/basis_steps"] = basis.steps
            arrays[f"{number}/basis_origin"] = basis.origin
    return write_arrays(path, arrays)


def read_grids(path: Path) -> tuple[Products, dict[str, Grid]]:
    """What is in a file of `write_grids`."""
    with ArrayFile.open(path) as file:
        products = msgspec.convert(str(file.read("products")[0]), Products)
        grids = {
            str(name): _read_grid(file, number) for number, name in enumerate(file.read("names"))
        }
    return products, grids


def _read_grid(file: ArrayFile, number: int) -> Grid:
    basis = None
    if f"{number}/basis" in file.names:
        basis = Basis(
            np.asarray(file.read(f"{number}/basis"), np.int8),
            np.asarray(file.read(f"{number}/basis_steps"), np.float32),
            np.asarray(file.read(f"{number}/basis_origin"), np.float32),
        )
    return Grid(
        np.asarray(file.read(f"{number}/integers"), np.int8),
        np.asarray(file.read(f"{number}/steps"), np.float32),
        np.asarray(file.read(f"{number}/correction"), np.float32),
        basis,
        bool(file.read(f"{number}/in_floats")[0]),
        np.asarray(file.read(f"{number}/divisors"), np.float32),
    )
