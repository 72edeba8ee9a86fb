"""Files and functions stay small enough to be read at one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import ROOT

MOST_LINES = 300
MOST_FUNCTION_LINES = 50
MOST_POSITIONAL = 4

MANY_ARGUMENTS = {
    "modelpack/sources/download.py:redirect_request": "what urllib calls",
    "modelpack/errors.py:_rebuild": "what pickle calls, with the fields of an error in order",
    "modelpack/publish/emit.py:_write_chunk": "the three that `chunk_files` yields, whence and where to",
}

SOURCES = sorted((ROOT / "modelpack").rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in {"self", "cls"}])


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_shape_of_a_module_stays_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_shape_of_functions_stays_small() -> None:
    long = [
        f"{name_of(path)}:{function.name}"
        for path in SOURCES
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= MOST_FUNCTION_LINES
    ]
    assert long == []


def test_shape_of_signatures_stays_small() -> None:
    many = {
        f"{name_of(path)}:{function.name}"
        for path in SOURCES
        for function in functions(path)
        if positional(function) > MOST_POSITIONAL and function.name not in {"__init__", "__exit__"}
    }
    assert many == set(MANY_ARGUMENTS)


def test_shape_every_module_says_what_it_is() -> None:
    silent = [
        name_of(path) for path in SOURCES if ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []
