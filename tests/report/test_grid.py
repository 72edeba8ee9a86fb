from __future__ import annotations

from modelpack.report.grid import Column, grid
from modelpack.report.palette import ansi

COLUMNS = (Column("model"), Column("size", "right"))


def test_grid_aligns_each_column_on_its_side() -> None:
    assert grid(COLUMNS, [("a", "1 B"), ("longer", "22.9 MB")]) == (
        "model      size",
        "a           1 B",
        "longer  22.9 MB",
    )


def test_grid_without_rows_is_its_heading() -> None:
    assert grid(COLUMNS, []) == ("model  size",)


def test_grid_counts_wide_characters_as_two() -> None:
    assert grid(COLUMNS, [("模型模型", "1"), ("e\u0301", "2")]) == (
        "model     size",
        "模型模型     1",
        "e\u0301            2",
    )


def test_grid_neutralises_control_characters() -> None:
    assert grid(COLUMNS, [("\x1b[31m", "1")])[1] == "\\x1b[31m     1"


def test_grid_leaves_no_trailing_blanks() -> None:
    assert grid((Column("a"), Column("b")), [("x", "")]) == ("a  b", "x")


def test_grid_colours_the_heading_only() -> None:
    heading, line = grid((Column("a"),), [("x",)], ansi)
    assert (heading, line) == ("\x1b[2ma\x1b[0m", "x")
