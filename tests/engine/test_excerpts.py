from __future__ import annotations

from pathlib import Path

from modelpack.engine.excerpts import excerpts


def test_excerpts_count_lines_as_the_step_golden_does(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(
        '"one\u2028line"\n\n{"text": "a question", "text_pair": "its passage"}\n"three"\n'
    )
    assert excerpts(path) == {0: "one\u2028line", 1: "a question / its passage", 2: "three"}


def test_excerpts_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(f'"{"a" * 1000}"\n')
    assert excerpts(path) == {0: "a" * 160}


def test_excerpts_of_a_line_that_is_no_text_are_the_line(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b"{broken\n\xff\n")
    assert excerpts(path) == {0: "{broken", 1: "\ufffd"}


def test_excerpts_of_arrays_there_are_none(tmp_path: Path) -> None:
    assert excerpts(tmp_path / "samples.npz") == {}
