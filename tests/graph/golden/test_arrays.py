from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.arrays import LIMIT_BYTES, ArrayFile
from modelpack.graph.sessions import Array
from tests.support.golden_sets import write_arrays


def read(path: Path, name: str = "x") -> Array:
    with ArrayFile.open(path) as arrays:
        return arrays.read(name)


def header(shape: str, descr: str = "<f4") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def zipped(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
    return path


def test_read_plain_array(tmp_path: Path) -> None:
    array = read(write_arrays(tmp_path / "a.npz", x=np.array([[1.5, 2]], np.float32)))
    assert array.tolist() == [[1.5, 2]]
    assert array.dtype == np.float32


def test_read_other_byte_order_becomes_this_machines(tmp_path: Path) -> None:
    array = read(write_arrays(tmp_path / "a.npz", x=np.array([1, 2], ">i4")))
    assert array.tolist() == [1, 2]
    assert array.dtype.isnative


def test_read_objects_are_refused(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "a.npz", x=np.array([{}, None], dtype=object))
    with pytest.raises(
        StepError, match=r'MP-E501 a.npz: array "x" cannot be read \(it holds Python objects\)'
    ):
        read(path)


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_open_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(StepError, match=r"MP-E501 a\.npz: not an \.npz file"):
        read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header("(1000000000000,)"), "its header says float32"),
        (header("(2,)") + bytes(4), "its header says float32"),
        (header("(-2,)") + bytes(8), "its header says float32"),
        (b"\x93NUMPY", "cannot be read"),
        (b"plainly not an array", "cannot be read"),
    ],
)
def test_read_header_that_lies_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(StepError, match=reason) as caught:
        read(zipped(tmp_path / "a.npz", content))
    assert caught.value.code == "MP-E501"


def test_open_zip_bomb_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header("(1,)") + bytes(4))
    content = path.read_bytes()
    size = (len(header("(1,)")) + 4).to_bytes(4, "little")
    at = content.rindex(size)  # in the central directory
    path.write_bytes(content[:at] + (LIMIT_BYTES + 1).to_bytes(4, "little") + content[at + 4 :])
    with pytest.raises(StepError, match=r"unpacks to 1\.07 GB; at most 1\.07 GB are read"):
        read(path)


def test_read_damaged_bytes_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, x=np.arange(100))
    content = bytearray(stream.getvalue())
    content[300] ^= 1
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(StepError, match=r'array "x" cannot be read \(Bad CRC-32'):
        read(path)
