"""A graph from a stranger, parsed without its data files."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from modelpack.errors import SourceError
from modelpack.graph.text import is_text


def parse_graph(path: Path) -> onnx.ModelProto:
    """The graph in the file. Raises: SourceError MP-E205 if it is damaged."""
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError as err:
        raise _no_model("the file is cut off or is not an ONNX model") from err
    if not is_text(model):
        raise _no_model("the file is damaged: a name in it is not text")
    return model


def _no_model(message: str) -> SourceError:
    return SourceError("MP-E205", message, remedy="fetch or export the file again")
