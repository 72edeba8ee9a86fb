from __future__ import annotations

from modelpack.report.palette import ansi, plain


def test_plain_leaves_text_alone() -> None:
    assert plain("bad", "over") == "over"


def test_ansi_wraps_text_in_its_colour() -> None:
    assert ansi("bad", "over") == "\x1b[31mover\x1b[0m"
