from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from modelpack.config.grammar import PROJECT
from modelpack.config.paths import Folders
from modelpack.config.place import Place
from modelpack.config.read import read_project
from modelpack.config.schema import json_schema, schema_text
from modelpack.errors import UsageError
from tests.config.bad_documents import BAD, READER_ONLY
from tests.config.good_documents import GOOD
from tests.support.configuration import write_config

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_END = re.compile(r"(?<!\\)\$")
ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "modelpack.toml.example").read_text(encoding="utf-8")
DOCUMENTS = [EXAMPLE, *GOOD.values(), *BAD.values()]
FRAGMENTS = [
    *("[output]", "[cache]", "[defaults]", "[models.b]", "[[models]]", "[models.a.budget]"),
    *('source = "b.onnx"', "source = 3", 'source = "npm:b"', "chunk_size = '1 MiB'", "passes = []"),
    *("budget = { chunks = 3 }", "variants = { q4 = { group_size = 16 } }", "load = 'eager'"),
    *("state = []", "outputs = ['x', 'x']", "types = 'a.d.ts\\n'", "x = 1", "group = nan"),
    *("]", "}", '"', "'''", "=", ".", "0", "-", "\n", "\r", "\x00", "\ufeff", "é", "${env:A}"),
]


def ecma_pattern(
    _validator: Draft202012Validator, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    # In ECMAScript, which JSON Schema prescribes, $ does not match before a line feed at the end.
    if isinstance(instance, str) and not re.search(_END.sub(r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def mutate(text: str, edits: list[tuple[float, int, str]]) -> str:
    for position, removed, inserted in edits:
        start = int(position * len(text))
        text = text[:start] + inserted + text[start + removed :]
    return text


def parts(value: object) -> Iterator[tuple[Any, Any]]:
    """Each table or array, with each of its keys or indexes."""
    if isinstance(value, dict | list):
        for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from parts(part)


VALIDATOR = validators.extend(  # type: ignore[no-untyped-call]  # its stub has no types
    Draft202012Validator, {"pattern": ecma_pattern}
)(json_schema())
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 20),
        st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3)),
    ),
    min_size=1,
    max_size=3,
)
WORDS = st.sampled_from(
    [
        *(
            "a.onnx",
            "npm:a/b",
            "npm:@a/b/c",
            "npm:a",
            "py:a.b/c",
            "py:../c",
            "hf:a",
            "hf:a/b@c/d",
            "python:a.b:c",
            "hf:a/b/../c@main",
            "a:b",
            "C:a",
            "~",
            "./a",
        ),
        *(
            "a\\b",
            "/a",
            "a/../b",
            "a.d.ts",
            "a.npz",
            "x.jsonl",
            "a.npz\n",
            "4 MB",
            "4 XB",
            "4MiB",
            "٤ MB",
            "60 d",
        ),
        *(
            ">= 0.5",
            ">= 1.1",
            "<= 0.5",
            "<= 1e-3",
            "<= 1e999",
            ">= 0.5\n",
            "fp16",
            "q8",
            "q4f16",
            "wasm",
            "error",
        ),
        *(
            "npm",
            "simplify",
            "https://a.b/",
            "//a/",
            "/a/",
            "https://a.b/?",
            "a",
            "A",
            "a.",
            ".a",
            "a" * 65,
            "é",
        ),
        *("${env:A}", "a${env:A}", "a\tb", "", " ", "a\u2028b", "x" * 1025),
    ]
)
SCALARS = st.one_of(
    WORDS,
    st.text(max_size=4),
    st.booleans(),
    st.sampled_from(
        [-1, 0, 1, 16, 60, 101, 2**31, 2**70, 0.5, 16.0, -0.0, float("nan"), float("inf")]
    ),
    st.just(dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(st.one_of(SCALARS, st.just({"input": "a", "output": "b"})), max_size=3),
    st.dictionaries(
        st.one_of(WORDS, st.sampled_from(["chunks", "cosine", "dtype"])), SCALARS, max_size=2
    ),
)
QUICK = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_schema_file_is_what_the_grammar_says() -> None:
    path = ROOT / "schemas" / "modelpack.schema.json"
    assert path.read_text(encoding="utf-8") == schema_text(), "run `make schemas`"


def test_schema_is_valid_draft_2020_12() -> None:
    Draft202012Validator.check_schema(json_schema())


def test_schema_describes_every_property() -> None:
    def properties(schema: object) -> Iterator[object]:
        if isinstance(schema, dict):
            yield from schema.get("properties", {}).values()
            for part in schema.values():
                yield from properties(part)

    found = list(properties(json_schema()))
    assert len(found) > 40
    assert all(isinstance(schema, dict) and schema["description"] for schema in found)


@pytest.mark.parametrize("name", GOOD)
def test_schema_accepts_what_the_reader_accepts(name: str) -> None:
    assert VALIDATOR.is_valid(tomllib.loads(GOOD[name]))


def test_schema_accepts_the_example() -> None:
    VALIDATOR.validate(tomllib.loads(EXAMPLE))


@pytest.mark.parametrize("name", BAD)
def test_schema_refuses_what_the_reader_refuses(name: str) -> None:
    assert VALIDATOR.is_valid(tomllib.loads(BAD[name])) == (name in READER_ONLY)


@QUICK
@given(text=st.sampled_from(DOCUMENTS), edits=EDITS)
def test_reader_gives_a_usage_error_or_what_the_schema_accepts(
    tmp_path: Path, text: str, edits: list[tuple[float, int, str]]
) -> None:
    mutated = mutate(text, edits)
    try:
        read_project(write_config(tmp_path, mutated), "production")
    except UsageError as error:
        assert str(error).isprintable()  # noqa: PT017  either outcome is right
    else:
        VALIDATOR.validate(tomllib.loads(mutated.removeprefix("\ufeff")))


@QUICK
@given(text=st.sampled_from([EXAMPLE, *GOOD.values()]), where=st.integers(0, 99), value=VALUES)
def test_grammar_and_schema_agree_on_every_value(
    tmp_path: Path, text: str, where: int, value: object
) -> None:
    tables = tomllib.loads(text)
    places = list(parts(tables))
    table, key = places[where % len(places)]
    assume(value == value)  # noqa: PLR0124  JSON has no NaN, and no bound of JSON Schema keeps it out
    table[key] = value
    faults = PROJECT.faults(tables, Place((), Folders(tmp_path, tmp_path)))
    # Where a path leads is beyond the schema.
    found = [fault for fault in faults if "leads out of the workspace" not in fault.message]
    assert VALIDATOR.is_valid(tables) == (found == [])
