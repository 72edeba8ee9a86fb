from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.raw import read_raw
from modelpack.record import ValueFacts
from modelpack.spec.golden import RawLayout

BYTES = ValueFacts("bytes", "int32", ("batch", 8))
ENDS = RawLayout(first=4, last=4, padding=256)


def read(folder: Path, content: bytes, layout: RawLayout, value: ValueFacts = BYTES) -> list[int]:
    path = folder / "a.bin"
    path.write_bytes(content)
    found = read_raw(path, value, layout)
    assert found.dtype.name == value.dtype
    return found.tolist()  # type: ignore[no-any-return]


def test_read_raw_takes_the_first_and_the_last_bytes(tmp_path: Path) -> None:
    assert read(tmp_path, bytes(range(10)), ENDS) == [[0, 1, 2, 3, 6, 7, 8, 9]]


def test_read_raw_fills_up_away_from_the_ends(tmp_path: Path) -> None:
    assert read(tmp_path, b"\1\2", ENDS) == [[1, 2, 256, 256, 256, 256, 1, 2]]
    assert read(tmp_path, b"", ENDS) == [[256] * 8]


def test_read_raw_strips_white_space(tmp_path: Path) -> None:
    layout = RawLayout(first=2, last=2, strip=True)
    assert read(tmp_path, b" \n\1\2\3\t ", layout) == [[1, 2, 2, 3]]


def test_read_raw_strips_inside_the_outer_blocks_only(tmp_path: Path) -> None:
    layout = RawLayout(first=2, last=2, strip=True, block=3)
    assert read(tmp_path, b"   \1\2\3   ", layout) == [[0, 0, 0, 0]]


def test_read_raw_elements_are_little_endian(tmp_path: Path) -> None:
    value = ValueFacts("x", "float32", ("batch", 2))
    content = np.array([1.5, -2], "<f4").tobytes()
    assert read(tmp_path, content, RawLayout(), value) == [[1.5, -2]]


def test_read_raw_of_another_size_fails(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        read(tmp_path, b"123", RawLayout())
    assert caught.value.message == "3 bytes do not fill bytes int32 [batch, 8]"
