from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.safetensors import TensorFile
from modelpack.graph.golden.tensors import read_tensors
from modelpack.record import ValueFacts


def write(path: Path, header: object, content: bytes) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    return path


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_tensor_file_reads_arrays_and_no_metadata(tmp_path: Path) -> None:
    header = {
        "__metadata__": {"format": "np"},
        "x": entry("F32", [2, 1], 0, 8),
        "n": entry("I64", [1], 8, 16),
    }
    content = np.array([1.5, 2], "<f4").tobytes() + np.array([-3], "<i8").tobytes()
    with TensorFile.open(write(tmp_path / "a.safetensors", header, content)) as file:
        assert file.names == ("x", "n")
        assert file.read("x").tolist() == [[1.5], [2]]
        assert file.read("n").tolist() == [-3]


def test_read_tensors_takes_safetensors(tmp_path: Path) -> None:
    header = {"x": entry("F32", [2, 1], 0, 8)}
    path = write(tmp_path / "a.safetensors", header, np.array([1.5, 2], "<f4").tobytes())
    samples = read_tensors(path, (ValueFacts("x", "float32", ("batch", 1)),))
    assert [sample.feeds["x"].tolist() for sample in samples] == [[[1.5]], [[2]]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a .safetensors file (a header of 0 bytes)"),
        (b"\xff" * 8, "not a .safetensors file (a header of 18446744073709551615 bytes)"),
        (b"\x02\0\0\0\0\0\0\0[]", "not a .safetensors file (Expected `object`, got `array`)"),
        (b"\x01\0\0\0\0\0\0\0{", "not a .safetensors file (Input data was truncated)"),
    ],
)
def test_tensor_file_of_something_else_fails(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(StepError) as caught, TensorFile.open(path):
        pass
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (entry("F32", [3], 0, 8), 'array "x" does not fit its bytes'),
        (entry("F32", [2], 4, 12), 'array "x" does not fit its bytes'),
        (entry("F8_E4M3", [8], 0, 8), 'array "x" has the type F8_E4M3'),
    ],
)
def test_tensor_file_extents_that_do_not_fit_fail(
    tmp_path: Path, header: object, message: str
) -> None:
    path = write(tmp_path / "a.safetensors", {"x": header}, bytes(8))
    with TensorFile.open(path) as file, pytest.raises(StepError) as caught:
        file.read("x")
    assert caught.value.message == message
