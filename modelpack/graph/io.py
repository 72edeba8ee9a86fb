"""Reading and writing ONNX models between steps.

A model is `model.onnx`, and above INLINE_LIMIT_BYTES of weights also `model.data` beside it. Weights in data files are
mapped, never read as a whole, so that a step over a 3 GB model stays small.
"""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError
from onnx_ir.passes import common

from modelpack.errors import SourceError

GRAPH_FILE = "model.onnx"
DATA_FILE = "model.data"
# Writing a graph with its weights inside takes four times their bytes, reading it twice; with weights outside both take
# nothing (measured with 940 MB and 3.2 GB: 3.7 GB, 1.9 GB and 0.1 GB at the peak).
INLINE_LIMIT_BYTES = 64 << 20
_EXTERNAL_FROM_BYTES = 1024  # smaller tensors cost more as a record of their place than as bytes


def read_model(path: Path) -> ir.Model:
    """The model at `path`; external tensors stay on disk, mapped, and all of them are initialisers.

    Raises: SourceError MP-E205 if the bytes are not an ONNX model.
    """
    try:
        model = ir.load(path)
    except (DecodeError, ValueError, ir.serde.SerdeError) as err:
        raise SourceError(
            "MP-E205",
            f"not a readable ONNX model ({err})",
            where=path.name,
            remedy="fetch or export the file again; it may have been cut off",
        ) from err
    _settle_constants(model)
    return model


def write_model(model: ir.Model, folder: Path) -> tuple[Path, ...]:
    """Writes the model into `folder`; the graph's path first, then the data file's if there is one."""
    graph_path = folder / GRAPH_FILE
    if weight_bytes(model) <= INLINE_LIMIT_BYTES:
        ir.save(ir.external_data.load_to_model(model), graph_path)
        return (graph_path,)
    ir.save(model, graph_path, external_data=DATA_FILE, size_threshold_bytes=_EXTERNAL_FROM_BYTES)
    return graph_path, folder / DATA_FILE


def read_proto(path: Path) -> onnx.ModelProto:
    """The model at `path` with all weights in memory, for tools that know nothing else. At most 2 GiB."""
    return onnx.load(os.fspath(path))


def write_proto(proto: onnx.ModelProto, folder: Path) -> tuple[Path, ...]:
    """Writes a model that is in memory, as `write_model` does."""
    return write_model(ir.from_proto(proto), folder)


def weight_bytes(model: ir.Model) -> int:
    """The bytes of all initialisers, those of subgraphs included."""
    return sum(
        value.const_value.nbytes
        for graph in model.graphs()
        for value in graph.initializers.values()
        if value.const_value is not None
    )


def _settle_constants(model: ir.Model) -> None:
    """Makes initialisers of Constant nodes whose tensor is external: writing knows external initialisers only."""
    external = [node for node in model.graph.all_nodes() if _has_external_tensor(node)]
    if not external:
        return
    common.LiftConstantsToInitializersPass(size_limit=0)(model)
    for node in external:  # those that are outputs of their graph, and so could not be lifted
        for name, attribute in node.attributes.items():
            if isinstance(attribute.value, ir.ExternalTensor):
                (loaded,) = ir.external_data.convert_tensors_from_external([attribute.value])
                node.attributes[name] = ir.AttrTensor(name, loaded)


def _has_external_tensor(node: ir.Node) -> bool:
    return any(
        isinstance(attribute.value, ir.ExternalTensor) for attribute in node.attributes.values()
    )
