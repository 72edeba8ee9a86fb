from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelpack.store.sealed import decode_sealed, is_other_layout, read_sealed, seal, unseal
from tests.support.damage import every_bit_flipped, every_truncation


def test_seal_of_json_is_json_with_layout_and_digest() -> None:
    assert seal(b"[1]") == (
        b'{"layout":1,'
        b'"sha256":"080a9ed428559ef602668b4c00f114f1a11c3f6b02a435f0bdc154578e4d7f22",'
        b'"content":[1]}'
    )


def test_unseal_of_sealed_content_gives_it_back() -> None:
    assert unseal(seal(b'{"a":[1,2.5,"x"]}')) == b'{"a":[1,2.5,"x"]}'


def test_unseal_with_any_bit_flipped_gives_nothing() -> None:
    sealed = seal(b'{"a":[1,2.5,"x"]}')
    assert [bad for bad in every_bit_flipped(sealed) if unseal(bad) is not None] == []


def test_unseal_of_any_truncation_gives_nothing() -> None:
    sealed = seal(b'{"a":[1,2.5,"x"]}')
    assert [bad for bad in every_truncation(sealed) if unseal(bad) is not None] == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"\x00" * 200,
        b"[" * 100_000,
        b'{"layout":1,"sha256":1,"content":{}}',
        b'{"layout":1,"sha256":"' + b"\xff" * 64 + b'","content":{}}',
        seal(b"{}") + b"\n",
        seal(b"{}") * 2,
        b"\xff\xfe",
    ],
)
def test_unseal_of_anything_else_gives_nothing(content: bytes) -> None:
    assert unseal(content) is None


def test_is_other_layout_tells_newer_from_broken() -> None:
    newer = seal(b"{}").replace(b'"layout":1', b'"layout":2')
    assert is_other_layout(newer)
    assert unseal(newer) is None
    assert not is_other_layout(seal(b"{}"))
    assert not is_other_layout(seal(b"{}")[:-1])


def test_read_sealed_from_what_is_no_plain_file_gives_nothing(tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.write_bytes(seal(b"{}"))
    assert read_sealed(good, dict[str, int]) == {}
    (tmp_path / "link").symlink_to(good)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder", "missing"):
        assert read_sealed(tmp_path / name, dict[str, int]) is None


@pytest.mark.parametrize("content", [b"[1]", b'{"\xff":1}', b'{"a":' + b"[" * 100_000, b""])
def test_decode_sealed_of_another_kind_gives_nothing(content: bytes) -> None:
    assert decode_sealed(seal(content), dict[str, object]) is None


def test_read_sealed_from_a_huge_file_gives_nothing_and_reads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse
    assert read_sealed(path, dict[str, int]) is None
