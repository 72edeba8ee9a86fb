"""Aligned columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from modelpack.report.palette import Palette, plain
from modelpack.report.words import display_width, one_line

_GAP = "  "


class Column(Struct, frozen=True):
    """A column's heading and the side its cells stand on."""

    heading: str
    side: Literal["left", "right"] = "left"


def grid(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], palette: Palette = plain
) -> tuple[str, ...]:
    """The heading and one line for each row; cells are made safe, columns as wide as their widest cell."""
    safe = [[one_line(cell) for cell in row] for row in rows]
    headings = [column.heading for column in columns]
    widths = [max(map(display_width, cells)) for cells in zip(headings, *safe, strict=True)]
    first, *rest = (_line(columns, cells, widths) for cells in (headings, *safe))
    return (palette("faint", first), *rest)


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        _padded(cell, width, column.side)
        for column, cell, width in zip(columns, cells, widths, strict=True)
    )
    return _GAP.join(padded).rstrip()


def _padded(cell: str, width: int, side: Literal["left", "right"]) -> str:
    # str.ljust counts characters, not terminal columns.
    blanks = " " * (width - display_width(cell))
    return cell + blanks if side == "left" else blanks + cell
