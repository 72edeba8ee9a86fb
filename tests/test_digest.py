from __future__ import annotations

import io
from pathlib import Path

from modelpack.digest import canonical_json, digest_bytes, digest_file, digest_json, digest_stream
from tests.support.stored import DIGEST_OF_ABC

DIGEST_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_digest_of_bytes_is_sha256_in_hexadecimal() -> None:
    assert digest_bytes(b"abc") == DIGEST_OF_ABC
    assert digest_bytes(memoryview(b"abc")) == DIGEST_OF_ABC
    assert digest_bytes(b"") == DIGEST_OF_NOTHING


def test_digest_of_a_stream_is_of_what_is_left() -> None:
    stream = io.BytesIO(b"xxabc")
    stream.seek(2)
    assert digest_stream(stream) == (DIGEST_OF_ABC, 3)


def test_digest_of_a_file_larger_than_a_block_is_of_all_of_it(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    path = tmp_path / "large.bin"
    path.write_bytes(content)
    assert digest_file(path) == digest_bytes(content)


def test_canonical_json_of_equal_values_is_equal() -> None:
    assert canonical_json({"b": 1, "a": (2.5, None)}) == b'{"a":[2.5,null],"b":1}'
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    assert digest_json({"a": 1}) != digest_json({"a": "1"})
