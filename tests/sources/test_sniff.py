from __future__ import annotations

import gzip
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import SourceError
from modelpack.sources.sniff import check_is_onnx
from tests.support import onnx_models

TO_ONNX = "export the model to ONNX and name that file"
MODEL = onnx_models.mlp().SerializeToString()

BY_FUNCTION = (
    'export it to ONNX, or write a function that loads it: source = "python:module:function"'
)
BY_KERAS = (
    'where Keras is installed, run `python -c "import keras; '
    "keras.saving.load_model('model.onnx').export('model.onnx', format='onnx')\"`"
)
TF2ONNX = (
    "in an environment with `pip install tf2onnx tensorflow`, run "
    "`python -m tf2onnx.convert --{} model.onnx --output model.onnx`"
)


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return stream.getvalue()


def kind(found: str, remedy: str = TO_ONNX) -> tuple[str, str, str]:
    return "MP-E208", f"found {found}; expected an ONNX model", remedy


CASES = {
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        ("MP-E202", "a git-lfs pointer stands in place of the model", "run `git lfs pull`"),
    ),
    "html": (
        b"\n <!DOCTYPE html><html></html>",
        (
            "MP-E203",
            "an HTML page was saved in place of the model",
            "download the file itself, not the page that shows it",
        ),
    ),
    "html-with-bom": (
        b"\xef\xbb\xbf<HTML>",
        (
            "MP-E203",
            "an HTML page was saved in place of the model",
            "download the file itself, not the page that shows it",
        ),
    ),
    "empty": (b"", ("MP-E204", "the file is empty", "fetch or export the file again")),
    "safetensors": (
        (15).to_bytes(8, "little") + b'{"w":{"a":"b"}}' + b"\0" * 9,
        ("MP-E206", "a safetensors checkpoint holds weights but no graph", TO_ONNX),
    ),
    "pickle": (pickle.dumps({"w": 1}, 2), ("MP-E207", "a PyTorch checkpoint", BY_FUNCTION)),
    "torch-zip": (zipped("archive/data.pkl"), ("MP-E207", "a PyTorch checkpoint", BY_FUNCTION)),
    "gzip": (gzip.compress(MODEL), kind("a gzip file")),
    "zip": (zipped("a/model.onnx"), kind("a zip archive", 'unpack it and name "a/model.onnx"')),
    "zip-broken": (b"PK\x03\x04 and nothing", kind("a zip archive")),
    "keras": (zipped("config.json", "model.weights.h5"), kind("a Keras model", BY_KERAS)),
    "npz": (zipped("x.npy"), kind("a NumPy archive")),
    "npy": (b"\x93NUMPY\x01\x00", kind("a NumPy array")),
    "h5": (b"\x89HDF\r\n\x1a\n....", kind("a Keras or other HDF5 file", BY_KERAS)),
    "tflite": (
        b"\x1c\0\0\0TFL3....",
        kind("a TFLite model", 'download it and name the file, which "modelpack[tflite]" converts'),
    ),
    "ort": (b"\x1c\0\0\0ORTM....", kind("a model in onnxruntime's own ORT format")),
    "gguf": (b"GGUF\x03\0\0\0", kind("a GGUF model")),
    "tfjs": (
        b'{"format": "graph-model", "modelTopology": {}}',
        kind("a TensorFlow.js model", TF2ONNX.format("tfjs")),
    ),
    "json": (b' {"model": 1}', kind("JSON")),
    "zeros": (
        b"\0" * 64,
        kind("a file of an unknown kind (it begins with 00 00 00 00 00 00 00 00)"),
    ),
    "text": (
        b"hello world",
        kind("a file of an unknown kind (it begins with 68 65 6c 6c 6f 20 77 6f)"),
    ),
    "other-protobuf": (
        b"\x0a\x03abc\x12\x01d",
        kind("a file of an unknown kind (it begins with 0a 03 61 62 63 12 01 64)"),
    ),
    "trailing-bytes": (
        MODEL + b"\0\0\0",
        (
            "MP-E205",
            f"the ONNX model is cut off: byte {len(MODEL)} begins no field",
            "fetch or export the file again",
        ),
    ),
    "no-graph": (
        MODEL[:2],
        (
            "MP-E205",
            "the ONNX model is cut off: it ends before any graph",
            "fetch or export the file again",
        ),
    ),
    "last-byte-missing": (
        MODEL[:-1],
        (
            "MP-E205",
            "the ONNX model is cut off: 1 bytes are missing at its end",
            "fetch or export the file again",
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_sniff_other_file_is_named_in_one_line(tmp_path: Path, case: str) -> None:
    content, expected = CASES[case]
    path = tmp_path / "model.onnx"
    path.write_bytes(content)

    with pytest.raises(SourceError) as caught:
        check_is_onnx(path)

    error = caught.value
    assert (error.code, error.message, error.remedy) == expected
    assert error.where == str(path)


def test_sniff_model_passes(tmp_path: Path) -> None:
    check_is_onnx(onnx_models.write(onnx_models.mlp(), tmp_path / "model.onnx"))


def test_sniff_model_with_every_usual_field_passes(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    model.producer_name = "x" * 200
    model.model_version = 1 << 40
    model.metadata_props.add(key="a", value="b")
    model.functions.add(name="f", domain="d")

    check_is_onnx(onnx_models.write(model, tmp_path / "model.onnx"))


def test_sniff_model_cut_off_anywhere_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    for step in range(1, 64):
        path.write_bytes(MODEL[: len(MODEL) * step // 64])
        with pytest.raises(SourceError, match="MP-E205"):
            check_is_onnx(path)


def test_sniff_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="found a folder; expected an ONNX model"):
        check_is_onnx(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_sniff_pipe_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")

    with pytest.raises(SourceError, match="found a named pipe; expected an ONNX model"):
        check_is_onnx(tmp_path / "model.onnx")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
def test_sniff_device_is_named_and_not_read() -> None:
    with pytest.raises(SourceError, match="found a device; expected an ONNX model"):
        check_is_onnx(Path("/dev/zero"))


def test_sniff_missing_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"MP-E209 .*cannot be read \(No such file or directory\)"
    ):
        check_is_onnx(tmp_path / "gone.onnx")


def test_sniff_large_file_is_not_read_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    graph_bytes = 1 << 36
    head = b"\x08\x08\x42\x04\x0a\x00\x10\x11\x3a" + varint(graph_bytes)
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(len(head) + graph_bytes)

    check_is_onnx(path)


def varint(value: int) -> bytes:
    groups = [value >> shift & 0x7F for shift in range(0, value.bit_length(), 7)]
    return bytes(np.array([*(group | 0x80 for group in groups[:-1]), groups[-1]], np.uint8))
