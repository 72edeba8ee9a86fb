"""`simplify`: the model as onnxsim rewrites it, where that is the same model and not a larger one."""

from __future__ import annotations

from pathlib import Path

import onnxsim

from modelpack.errors import ModelpackError
from modelpack.graph.agreement import find_disagreement
from modelpack.graph.feeds import first_line
from modelpack.graph.io import read_model, read_proto, write_model, write_proto
from modelpack.graph.values import input_facts, output_facts
from modelpack.planned import SimplifyParams
from modelpack.record import Measurement
from modelpack.steps.contract import StepInput, StepOutput, output_files
from modelpack.units import format_size

_SKIPPED_FROM_BYTES = 2 << 30  # onnxsim passes the model to C++ as one protobuf message
# Folding may give a tensor that is larger than what it is made from: ConstantOfShape, Expand, Tile. Tensors above this
# are not folded, and a file that grew by more than the share and the allowance below is not kept.
_FOLDED_UP_TO = "64MB"
_GROWTH_SHARE = 0.05
_GROWTH_ALLOWANCE_BYTES = 64 * 1024  # value infos of a small graph


class _UnsuitableError(Exception):
    """Why the result of onnxsim is not used. The message is the note in the report."""


def run(step: StepInput[SimplifyParams]) -> StepOutput:
    """The model with the role `model`, simplified; or as it was, with a note saying why.

    Raises: SourceError MP-E205 if the model cannot be read at all.
    """
    graph = step.one("model")
    size_bytes = sum(path.stat().st_size for path in step.many("model"))
    if size_bytes >= _SKIPPED_FROM_BYTES:
        note = f"skipped: {format_size(size_bytes)} is more than onnxsim takes"
        return _passed_through(graph, step.folder, note)
    try:
        paths, nodes = _simplified(graph, step.folder / "simplified", size_bytes)
    except _UnsuitableError as reason:
        return _passed_through(graph, step.folder, str(reason))
    return StepOutput(output_files("model", paths), (Measurement("nodes", nodes),))


def _simplified(graph: Path, folder: Path, size_bytes: int) -> tuple[tuple[Path, ...], int]:
    """The simplified model's files and its number of nodes. Raises: _UnsuitableError."""
    folder.mkdir()
    try:
        after, _ = onnxsim.simplify(
            read_proto(graph),
            include_subgraph=True,
            tensor_size_threshold=_FOLDED_UP_TO,
            certify=False,
            import_custom_schemas=False,
        )
        paths = write_proto(after, folder)
        _check_signature(graph, paths[0])
        difference = find_disagreement(graph, paths[0])
    except _UnsuitableError:
        raise
    except Exception as err:
        # The one place: whatever onnxsim, or onnxruntime on its result, stumbles over, the model itself is still good.
        raise _UnsuitableError(f"not kept: {_reason(err)}") from err
    if difference:
        raise _UnsuitableError(f"not kept: {difference}")
    grown_bytes = sum(path.stat().st_size for path in paths) - size_bytes
    if grown_bytes > size_bytes * _GROWTH_SHARE + _GROWTH_ALLOWANCE_BYTES:
        raise _UnsuitableError(f"not kept: the model would grow by {format_size(grown_bytes)}")
    return paths, len(after.graph.node)


def _check_signature(graph: Path, simplified: Path) -> None:
    """Inputs keep their open dimensions, outputs their names and types."""
    before, after = read_model(graph).graph, read_model(simplified).graph
    if input_facts(before) != input_facts(after):
        raise _UnsuitableError("not kept: the inputs would change")
    outputs = [(value.name, value.dtype) for value in output_facts(before)]
    if outputs != [(value.name, value.dtype) for value in output_facts(after)]:
        raise _UnsuitableError("not kept: the outputs would change")


def _reason(err: Exception) -> str:
    return err.message if isinstance(err, ModelpackError) else first_line(err)


def _passed_through(graph: Path, folder: Path, note: str) -> StepOutput:
    model = read_model(graph)
    nodes = Measurement("nodes", len(model.graph))
    return StepOutput(output_files("model", write_model(model, folder)), (nodes,), (note,))
