from __future__ import annotations

import json

import msgspec
import pytest

from modelpack.graph.compatibility.support import newest_release, table_release
from modelpack.graph.compatibility.table import TABLE, read_file, shipped_table

SMALL = {
    "format": 1,
    "releases": {},
    "types": ["float", "float16 float", "int32"],
    "signatures": {},
    "kernels": {
        "a": {
            "like": "",
            "operators": {"Abs": [[6, [{"T": 0}]], [13, []]], "Add": [[7, [{"T": 2}]]]},
        },
        "b": {"like": "a", "operators": {"Abs": None, "Mul": [[7, [{"T": 1}]]]}},
    },
}


def test_table_list_like_another_has_its_operators_and_its_own_changes() -> None:
    table = read_file(json.dumps(SMALL).encode())
    assert table.kernels_of("b") == {
        "Add": [(7, [{"T": "int32"}])],
        "Mul": [(7, [{"T": "float16 float"}])],
    }
    assert table.kernels_of("a")["Abs"] == [(6, [{"T": "float"}]), (13, [])]


def test_table_of_another_format_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_file(json.dumps({**SMALL, "format": 2}).encode())


def test_shipped_table_is_small_and_whole() -> None:
    table = shipped_table()
    assert TABLE.stat().st_size < 200_000
    for release in table.releases.values():
        assert "ort-wasm-simd-threaded" in release.builds
        for build in release.builds.values():
            for provider in build.providers.values():
                table.kernels_of(provider.kernels)


def test_shipped_table_has_the_release_that_the_packages_are_tested_with() -> None:
    assert table_release(shipped_table(), "1.30.0") == "1.30.0"
    assert newest_release(shipped_table()) == "1.30.0"


@pytest.mark.parametrize(
    ("version", "known"),
    [("1.30.1", "1.30.0"), ("1.31.0-dev.20261101", ""), ("1.3.0", ""), ("x", "")],
)
def test_table_release_speaks_for_patches_and_for_nothing_else(version: str, known: str) -> None:
    assert table_release(shipped_table(), version) == known
