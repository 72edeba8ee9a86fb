from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.config.lines import find_lines
from modelpack.config.place import Keys
from tests.config.good_documents import GOOD

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLE = Path(__file__).parents[2] / "modelpack.toml.example"

TRICKY = '''
# [not.a.header]
title = "a # b = [c]" # comment with "quotes"
text = """
[fake]
fake = 1
\\""" still ""text"""
raw = \'\'\'
[[fake]]
\'\'\'
literal = 'C:\\'
"quoted key" . 'x.y' = 1.5e3
"escaped \\u0041" = 1979-05-27 07:32:00
[ a . b ] # spaces
list = [
  1, [2,
  3], # ]
  { x = "}" , y.z = true },
]
[[fruits]]
name = "apple"
[fruits.physical]
color = "red"
[[fruits.kinds]]
name = "red delicious"
[[fruits]]
[[fruits.kinds]]
name = "plantain"
[a]
last = ""
'''


def paths(value: object, keys: Keys = ()) -> Iterator[Keys]:
    if keys:
        yield keys
    if isinstance(value, dict):
        for name, part in value.items():
            yield from paths(part, (*keys, name))
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from paths(part, (*keys, index))


@pytest.mark.parametrize("text", [TRICKY, EXAMPLE.read_text(encoding="utf-8"), *GOOD.values()])
def test_find_lines_finds_what_the_parser_finds(text: str) -> None:
    wanted = set(paths(tomllib.loads(text)))
    assert set(find_lines(text, wanted)) == wanted


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("title",), 3),
        (("text",), 4),
        (("raw",), 8),
        (("literal",), 11),
        (("quoted key",), 12),
        (("quoted key", "x.y"), 12),
        (("escaped A",), 13),
        (("a",), 29),
        (("a", "b"), 14),
        (("a", "b", "list"), 15),
        (("a", "b", "list", 0), 16),
        (("a", "b", "list", 1), 16),
        (("a", "b", "list", 1, 1), 17),
        (("a", "b", "list", 2, "y", "z"), 18),
        (("fruits",), 20),
        (("fruits", 0, "physical", "color"), 23),
        (("fruits", 0, "kinds", 0), 24),
        (("fruits", 1), 26),
        (("fruits", 1, "kinds", 0, "name"), 28),
        (("a", "last"), 30),
    ],
)
def test_find_lines_is_not_fooled(keys: Keys, line: int) -> None:
    assert find_lines(TRICKY, [keys])[keys] == line


def test_find_lines_counts_windows_lines() -> None:
    assert find_lines("a = 1\r\n\r\nb = 2\r\n", [("b",)])[("b",)] == 3


def test_find_lines_of_the_example_hold_the_key() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    lines = text.split("\n")
    wanted = [keys for keys in paths(tomllib.loads(text)) if isinstance(keys[-1], str)]
    found = find_lines(text, wanted)
    for keys in wanted:
        assert str(keys[-1]) in lines[found[keys] - 1]
    assert found["models", "minilm", "budget", "chunks"] == 1 + lines.index(
        "chunks = 60                      # files that are fetched"
    )


def test_find_lines_table_without_header_has_the_line_that_implies_it() -> None:
    assert find_lines("\n[models.a.budget]\nchunks = 1", [("models", "a")])["models", "a"] == 2


def test_find_lines_header_wins_over_the_line_that_implies_it() -> None:
    text = "[models.a.budget]\nchunks = 1\n[models.a]\nsource = 'x'"
    assert find_lines(text, [("models", "a")])["models", "a"] == 3
