from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import ManifestError
from modelpack.publish.parse import MAX_MANIFEST_BYTES, parse_manifest

FIXTURES = Path(__file__).parents[1] / "fixtures" / "hostile_manifests"
VALID = (FIXTURES / "valid.json").read_bytes()


class Entry(TypedDict):
    file: str
    why: str
    refusedBy: list[str]


INDEX: list[Entry] = json.loads((FIXTURES / "index.json").read_text())
REFUSED = [entry for entry in INDEX if "builder" in entry["refusedBy"]]
ACCEPTED = [entry for entry in INDEX if "builder" not in entry["refusedBy"]]


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry["file"])
def test_parse_manifest_hostile_is_refused(entry: Entry) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest((FIXTURES / entry["file"]).read_bytes())

    assert caught.value.code == "MP-E710"


@pytest.mark.parametrize("entry", ACCEPTED, ids=lambda entry: entry["file"])
def test_parse_manifest_valid_is_read(entry: Entry) -> None:
    assert list(parse_manifest((FIXTURES / entry["file"]).read_bytes()).models) == ["m"]


def test_hostile_manifests_index_names_every_file_once() -> None:
    listed = [entry["file"] for entry in INDEX]

    assert sorted(listed) == sorted(
        path.name for path in FIXTURES.iterdir() if path.name != "index.json"
    )


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (
            "version-newer.json",
            "manifestVersion is 2; this modelpack reads 1",
        ),
        (
            "html.json",
            "this is a web page, not a manifest; the server answers unknown names with HTML",
        ),
        (
            "file-size-small.json",
            "files.m@q8/model.data: parts make 464 bytes; expected 463",
        ),
    ],
)
def test_parse_manifest_refusal_says_what_was_found_and_expected(file: str, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest((FIXTURES / file).read_bytes())

    assert str(caught.value) == (
        f"MP-E710 manifest.json: {message} — run `modelpack build` to write it again"
    )


def test_parse_manifest_larger_than_the_limit_is_refused_unread() -> None:
    with pytest.raises(ManifestError, match="a manifest has at most"):
        parse_manifest(b" " * (MAX_MANIFEST_BYTES + 1))


@given(st.integers(0, len(VALID) - 1), st.integers(0, 7))
def test_parse_manifest_flipped_bit_is_read_or_refused(position: int, bit: int) -> None:
    damaged = bytearray(VALID)
    damaged[position] ^= 1 << bit

    with suppress(ManifestError):
        parse_manifest(bytes(damaged))


@given(st.integers(0, len(VALID) - 3))
def test_parse_manifest_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(VALID[:length])
