"""Telling an ONNX model from what is often found in its place, by content, without any library.

Two looks at a file. The first bytes name other kinds of files. Then the top-level fields of the protobuf message are
walked (a few dozen seeks, whatever the size): a file that was cut off ends inside one of them.
"""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import BinaryIO

from modelpack.errors import SourceError
from modelpack.sources.protobuf import MalformedFieldError, walk_fields

_HEAD_BYTES = 4096
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_HTML_STARTS = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<!--")
_KERAS = "a Keras model"
_HDF5 = "a Keras or other HDF5 file"
_TFLITE = "a TFLite model"
_TFJS = "a TensorFlow.js model"
_SAVED_MODEL = "a TensorFlow SavedModel"
_KINDS_BY_START = (
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x89HDF\r\n\x1a\n", _HDF5),
    (b"GGUF", "a GGUF model"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x00asm", "a WebAssembly module"),
    (b"\x89PNG", "a PNG image"),
    (b"%PDF", "a PDF"),
)
_TFLITE_MARK = b"TFL3"
_KINDS_AT_4 = ((_TFLITE_MARK, _TFLITE), (b"ORTM", "a model in onnxruntime's own ORT format"))
_MODES = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_FETCH_AGAIN = "fetch or export the file again"
_TO_ONNX = "export the model to ONNX and name that file"
_BY_FUNCTION = (
    'export it to ONNX, or write a function that loads it: source = "python:module:function"'
)
_TF2ONNX = "in an environment with `pip install tf2onnx tensorflow`, run `python -m tf2onnx.convert"
_BY_KERAS = (
    'where Keras is installed, run `python -c "import keras; '
    "keras.saving.load_model('{name}').export('{stem}.onnx', format='onnx')\"`"
)
_CONVERTERS = {  # by kind, with the file's name and its name without suffix
    _TFLITE: 'download it and name the file, which "modelpack[tflite]" converts',
    _TFJS: _TF2ONNX + " --tfjs {name} --output {stem}.onnx`",
    _SAVED_MODEL: _TF2ONNX + " --saved-model {name} --output {stem}.onnx`",
    _KERAS: _BY_KERAS,
    _HDF5: _BY_KERAS,
}

# ModelProto's fields and how each is coded: 0 = a number, 2 = bytes with a length (onnx.proto, IR version 13).
_NUMBER, _BYTES = 0, 2
_MODEL_FIELDS = {1: _NUMBER, 5: _NUMBER} | dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), _BYTES)
_GRAPH_FIELD, _OPSET_FIELD = 7, 8


def is_tflite(path: Path) -> bool:
    """Whether the file is a TensorFlow Lite model, as its first bytes say; False where it cannot be read."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(8)[4:] == _TFLITE_MARK
    except OSError:
        return False


def check_is_onnx(path: Path) -> None:
    """Nothing, where the file is an ONNX model as far as its top-level fields tell.

    Raises: SourceError MP-E202 to MP-E209, naming what the file is instead.
    """
    size_bytes = _regular_size(path)
    if size_bytes == 0:
        raise SourceError("MP-E204", "the file is empty", where=str(path), remedy=_FETCH_AGAIN)
    try:
        with path.open("rb") as stream:
            _check_head(stream.read(_HEAD_BYTES), size_bytes, path)
            _check_fields(stream, size_bytes, path)
    except OSError as err:
        raise _unreadable(path, err) from err


def _regular_size(path: Path) -> int:
    try:
        facts = path.stat()
    except OSError as err:
        raise _unreadable(path, err) from err
    if stat.S_ISREG(facts.st_mode):
        return facts.st_size
    if (path / "saved_model.pb").is_file():
        raise _wrong_kind(path, _SAVED_MODEL)
    kind = next((kind for is_kind, kind in _MODES if is_kind(facts.st_mode)), "no regular file")
    raise _wrong_kind(path, kind, "name the .onnx file itself")


def _check_head(head: bytes, size_bytes: int, path: Path) -> None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    where = str(path)
    if head.startswith(_LFS_POINTER):
        raise SourceError(
            "MP-E202",
            "a git-lfs pointer stands in place of the model",
            where=where,
            remedy="run `git lfs pull`",
        )
    if text[:16].lower().startswith(_HTML_STARTS):
        raise SourceError(
            "MP-E203",
            "an HTML page was saved in place of the model",
            where=where,
            remedy="download the file itself, not the page that shows it",
        )
    if _is_safetensors(head, size_bytes):
        raise SourceError(
            "MP-E206",
            "a safetensors checkpoint holds weights but no graph",
            where=where,
            remedy=_TO_ONNX,
        )
    if _is_pickle(head):
        raise SourceError("MP-E207", "a PyTorch checkpoint", where=where, remedy=_BY_FUNCTION)
    _check_other_kinds(head, text, path)


def _check_other_kinds(head: bytes, text: bytes, path: Path) -> None:
    if head.startswith(b"PK\x03\x04"):
        _refuse_zip(path)
    for start, kind in _KINDS_BY_START:
        if head.startswith(start):
            raise _wrong_kind(path, kind)
    for mark, kind in _KINDS_AT_4:
        if head[4:8] == mark:
            raise _wrong_kind(path, kind)
    if text[:1] == b"{" and b'"modelTopology"' in text:
        raise _wrong_kind(path, _TFJS)
    if text[:1] in {b"{", b"["}:
        raise _wrong_kind(path, "JSON")


def _is_safetensors(head: bytes, size_bytes: int) -> bool:
    """Eight bytes of length, then that much JSON."""
    header_bytes = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= header_bytes <= size_bytes - 8


def _is_pickle(head: bytes) -> bool:
    """Protocol 2 or later; in ONNX this would be field 32, which there is not."""
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def _refuse_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError):
        names = []
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        raise SourceError("MP-E207", "a PyTorch checkpoint", where=str(path), remedy=_BY_FUNCTION)
    if "model.weights.h5" in names:
        raise _wrong_kind(path, _KERAS)
    if any(name.endswith(".npy") for name in names):
        raise _wrong_kind(path, "a NumPy archive")
    inside = [name for name in names if name.endswith(".onnx")]
    remedy = f'unpack it and name "{inside[0]}"' if inside else _TO_ONNX
    raise _wrong_kind(path, "a zip archive", remedy)


def _check_fields(stream: BinaryIO, size_bytes: int, path: Path) -> None:
    """Walks the fields of the message; `seen` are the numbers of those that were whole."""
    seen: set[int] = set()
    try:
        for number, coding in walk_fields(stream, size_bytes):
            expected = _MODEL_FIELDS.get(number)
            if expected != coding and (expected is not None or not seen):
                raise _broken(path, seen, "its fields are not those of an ONNX model")
            seen.add(number)
    except MalformedFieldError as err:
        raise _broken(path, seen, str(err)) from err
    for number, name in ((_GRAPH_FIELD, "graph"), (_OPSET_FIELD, "opset import")):
        if number not in seen:
            raise _broken(path, seen, f"it ends before any {name}")


def _broken(path: Path, seen: set[int], reason: str) -> SourceError:
    """Cut off, where at least one field of a model was whole before; else something unknown."""
    if seen & _MODEL_FIELDS.keys():
        return SourceError(
            "MP-E205", f"the ONNX model is cut off: {reason}", where=str(path), remedy=_FETCH_AGAIN
        )
    with path.open("rb") as stream:
        start = stream.read(8).hex(" ")
    return _wrong_kind(path, f"a file of an unknown kind (it begins with {start})")


def _wrong_kind(path: Path, kind: str, remedy: str = "") -> SourceError:
    command = _CONVERTERS.get(kind, _TO_ONNX).format(name=path.name, stem=path.stem)
    remedy = remedy or command
    return SourceError(
        "MP-E208", f"found {kind}; expected an ONNX model", where=str(path), remedy=remedy
    )


def _unreadable(path: Path, err: OSError) -> SourceError:
    return SourceError(
        "MP-E209",
        f"the file cannot be read ({err.strerror or err})",
        where=str(path),
        remedy="check its permissions",
    )
