"""Rounding number by number where each number waits for those left of it and above it, a whole diagonal at a time.

A stack of matrices is cut into tiles. Tiles on one anti-diagonal do not wait for each other, nor do numbers on one
anti-diagonal of a tile: all of them, of all matrices, are rounded at once. Tiles lie with that batch as their last axis.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from modelpack.graph.entropy.matrices import Ints
from modelpack.graph.entropy.rounding import nearest
from modelpack.graph.recipes.weights import Floats

_TILE = 32

Place = tuple[int, int]


def round_in_waves(left: Floats, along: Floats, across: Floats) -> Ints:
    """Integers int8 [stack, rows, columns] of `left`, numbers in units of their steps, which it uses up.

    `along` float32 [stack, rows, rows] says what each row's error takes from the rows below it, `across` [stack, columns,
    columns] what each column's takes from the columns right of it; both are strictly upper.
    """
    padded = _padded(left)
    along, across = _padded(along), _padded(across)
    passed = np.zeros_like(padded)  # what columns further left have handed on
    integers = np.empty(padded.shape, np.int8)
    for places in _waves(padded.shape[1] // _TILE, padded.shape[2] // _TILE):
        own, handed = _batch(padded, places), _batch(passed, places)
        chosen, errors, rests = _round_tiles(
            own,
            handed,
            _batch(along, [(row, row) for row, _ in places]),
            _batch(across, [(column, column) for _, column in places]),
        )
        for number, (row, column) in enumerate(places):
            rows, columns = _span(row), _span(column)
            integers[:, rows, columns] = _matrices(chosen, number, len(left))
            error = _matrices(errors, number, len(left))
            rest = _matrices(rests, number, len(left))
            below = along[:, rows, rows.stop :].transpose(0, 2, 1)
            padded[:, rows.stop :, columns] -= below @ error
            passed[:, rows, columns.stop :] -= rest @ across[:, columns, columns.stop :]
    return np.ascontiguousarray(integers[:, : left.shape[1], : left.shape[2]])


def _waves(rows: int, columns: int) -> Iterator[list[Place]]:
    """The tiles of each anti-diagonal."""
    for wave in range(rows + columns - 1):
        yield [(row, wave - row) for row in range(max(0, wave - columns + 1), min(rows, wave + 1))]


def _round_tiles(
    own: Floats, passed: Floats, along: Floats, across: Floats
) -> tuple[Floats, Floats, Floats]:
    """The integers of tiles [row, column, batch], what each lacks for the rows below, and for the columns further right."""
    chosen, errors, rests = np.empty_like(own), np.empty_like(own), np.empty_like(own)
    taken = np.empty_like(own)
    for diagonal in range(2 * _TILE - 1):
        first, last = max(0, diagonal - _TILE + 1), min(_TILE - 1, diagonal)
        rows = slice(first, last + 1)
        # From the row's column leftwards, as rows go down.
        columns = slice(diagonal - first, diagonal - last - 1 if diagonal > last else None, -1)
        here = _diagonal(own, diagonal, first, last)
        wanted = here + _diagonal(passed, diagonal, first, last)
        integers = nearest(wanted)
        _diagonal(chosen, diagonal, first, last)[...] = integers
        error, rest = here - integers, wanted - integers
        _diagonal(errors, diagonal, first, last)[...] = error
        _diagonal(rests, diagonal, first, last)[...] = rest
        lower = own[first + 1 :, columns]
        part = taken[first + 1 :, : len(error)]
        np.multiply(along[rows, first + 1 :].transpose(1, 0, 2), error, out=part)
        np.subtract(lower, part, out=lower)
        right = passed[rows, diagonal - last + 1 :]
        part = taken[: len(rest), diagonal - last + 1 :]
        np.multiply(across[columns, diagonal - last + 1 :], rest[:, None], out=part)
        np.subtract(right, part, out=right)
    return chosen, errors, rests


def _diagonal(tiles: Floats, diagonal: int, first: int, last: int) -> Floats:
    """A view of the numbers (row, diagonal - row) of rows `first` to `last`: [rows, batch]."""
    flat = tiles.reshape(_TILE * _TILE, -1)
    return flat[diagonal + (_TILE - 1) * first : diagonal + (_TILE - 1) * last + 1 : _TILE - 1]


def _batch(matrices: Floats, places: list[Place]) -> Floats:
    """The tiles at these places of all matrices: [row, column, place × matrix]."""
    tiles = [matrices[:, _span(row), _span(column)].transpose(1, 2, 0) for row, column in places]
    return np.concatenate(tiles, axis=2)


def _matrices(tiles: Floats, number: int, stack: int) -> Floats:
    """The tiles at one place: [matrix, row, column]."""
    part = tiles[:, :, number * stack : (number + 1) * stack]
    return np.ascontiguousarray(part.transpose(2, 0, 1))


def _span(tile: int) -> slice:
    return slice(tile * _TILE, (tile + 1) * _TILE)


def _padded(matrices: Floats) -> Floats:
    """The matrices with zeros up to whole tiles: those round to zero, and take nothing from others."""
    missing = [-size % _TILE for size in matrices.shape[1:]]
    if not any(missing):
        return matrices
    return np.pad(matrices, ((0, 0), (0, missing[0]), (0, missing[1])))
