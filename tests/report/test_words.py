from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.report.words import count, display_width, one_line


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("conv1.weight", "conv1.weight"),
        ("größe 模型 é", "größe 模型 é"),
        ("", ""),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("two\u2028lines", "two\\u2028lines"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("lone\udcff", "lone\\udcff"),
    ],
)
def test_one_line_neutralises_what_moves_the_cursor(text: str, safe: str) -> None:
    assert one_line(text) == safe


@pytest.mark.parametrize(
    ("text", "columns"),
    [("model", 5), ("模型", 4), ("é", 1), ("e\u0301", 1), ("ｆｐ", 4), ("", 0)],
)
def test_display_width_counts_terminal_columns(text: str, columns: int) -> None:
    assert display_width(text) == columns


def test_count_takes_the_plural() -> None:
    assert [count(n, "chunk") for n in (0, 1, 2)] == ["0 chunks", "1 chunk", "2 chunks"]


@given(st.text(st.characters()))
def test_one_line_of_anything_can_be_printed_and_measured(text: str) -> None:
    safe = one_line(text)
    safe.encode("utf-8")
    assert len(safe.splitlines()) <= 1
    assert not any(unicodedata.category(character) in {"Cc", "Cf"} for character in safe)
    assert 0 <= display_width(safe) <= 2 * len(safe)
