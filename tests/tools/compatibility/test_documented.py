from __future__ import annotations

from pathlib import Path

import pytest

from tools.compatibility.documented import documented_kernels
from tools.compatibility.table import Kernels

HEAD = "| Operator | Opset | WebNN API | Comments |\n|:------:|:------:|:------:|:------|\n"
ANY = [{}]  # a row without variables: the page says nothing of types
NONE: list[dict[str, str]] = []


def documented(folder: Path, *rows: str) -> Kernels:
    """What a page of these rows gives."""
    (folder / "docs").mkdir()
    (folder / "docs" / "webnn-operators.md").write_text(HEAD + "\n".join(rows))
    return documented_kernels(folder)


@pytest.mark.parametrize(
    ("ranges", "versions"),
    [
        ("13+", [(13, ANY)]),
        (
            "7+",
            [(1, ANY)],
        ),  # older definitions too: the page begins with the lowest opset that is read
        ("7-12, 13+", [(1, ANY)]),
        ("7-10, 11, 12, 13+", [(1, ANY)]),
        ("10-12, 13-18, 19+", [(10, ANY)]),
        ("11", [(11, ANY), (12, NONE)]),
        ("7-10", [(1, ANY), (11, NONE)]),
        ("9-10, 13+", [(9, ANY), (11, NONE), (13, ANY)]),
        ("9, 11-12", [(9, ANY), (10, NONE), (11, ANY), (13, NONE)]),
    ],
)
def test_documented_ranges_become_versions(
    ranges: str, versions: list[tuple[int, list[dict[str, str]]]], tmp_path: Path
) -> None:
    row = f"| Abs | ai.onnx({ranges}) | abs | |"
    assert documented(tmp_path, row) == {"Abs": versions}


def test_documented_operators_of_two_domains_in_one_row(tmp_path: Path) -> None:
    row = "| Gelu | ai.onnx(20+), com.microsoft(1+) | gelu | Only 'tanh' (7-9) |"
    assert documented(tmp_path, row) == {
        "Gelu": [(20, ANY)],
        "com.microsoft.Gelu": [(1, ANY)],
    }


@pytest.mark.parametrize(
    "row",
    [
        "text with ai.onnx(7+) outside the table",
        "| Abs | not yet | abs | |",
        "| Abs | ai.onnx() | abs | |",
        "|:---:|:---:|",
    ],
)
def test_documented_rows_without_versions_give_nothing(row: str, tmp_path: Path) -> None:
    assert documented(tmp_path, row) == {}


def test_documented_release_without_the_page_gives_nothing(tmp_path: Path) -> None:
    assert documented_kernels(tmp_path) == {}
