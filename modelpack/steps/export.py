"""`export`: a checkpoint, or a module of the project, becomes ONNX: the reference that everything after it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelpack.export.libraries import TRACING, need_libraries
from modelpack.graph.state import state_pairs
from modelpack.planned import ExportParams, TracedFunction
from modelpack.record import Measurement
from modelpack.steps.contract import OutputFile, StepInput, StepOutput

if TYPE_CHECKING:
    from onnx import ModelProto

    from modelpack.export.graphs import Graph
    from modelpack.export.sentence import Stage


class _Traced(msgspec.Struct, frozen=True):
    """An exported module, in the shape of a checkpoint's graph: there, optimum would be imported."""

    part: str
    path: Path


def run(step: StepInput[ExportParams]) -> StepOutput:
    """Each graph with its data files (`graph`, `model`), and the state a page carries between its calls (`state`).

    Where the checkpoint gives several graphs, roles begin with the part: `decoder-model`. Nothing is given unless every
    graph agrees with the checkpoint.

    Raises: StepError MP-E404 without torch and optimum, MP-E460 if there is no way, MP-E461 if the result differs.
    """
    if step.params.function is not None:
        return _traced(step, step.params.function)
    need_libraries()
    # Only now: torch, transformers and optimum take seconds, and may not be there.
    from modelpack.export.graphs import export_graphs  # noqa: PLC0415
    from modelpack.export.sentence import read_stages, transformer_folder  # noqa: PLC0415

    checkpoint, wanted = step.one("checkpoint").parent, step.params.export
    stages = () if wanted.library == "transformers" else read_stages(checkpoint)
    if stages and wanted.task is None:
        wanted = msgspec.structs.replace(wanted, task="feature-extraction")
    exported = export_graphs(transformer_folder(checkpoint), wanted, step.folder)
    files = (file for graph in exported.graphs for file in _finished(graph, stages, exported.sizes))
    return StepOutput(
        tuple(files),
        (
            Measurement("task", exported.task),
            Measurement("opset", exported.opset),
            Measurement("graphs", len(exported.graphs)),
        ),
    )


def _traced(step: StepInput[ExportParams], function: TracedFunction) -> StepOutput:
    need_libraries(TRACING)
    import onnx  # noqa: PLC0415

    from modelpack.export.tracing import export_function  # noqa: PLC0415

    # The first file is the function's own; its place in the project is that of the names.
    inside = step.names("code")[0].count("/") + 1
    code = step.many("code")[0].parents[inside - 1]
    path = export_function(function, step.params.export, code, step.folder)
    opset = next(one.version for one in onnx.load(path, load_external_data=False).opset_import)
    graphs = _finished(_Traced("", path), (), {})
    return StepOutput(tuple(graphs), (Measurement("opset", opset), Measurement("graphs", 1)))


def _finished(
    graph: Graph | _Traced, stages: tuple[Stage, ...], sizes: dict[str, int]
) -> Iterator[OutputFile]:
    import onnx  # noqa: PLC0415

    from modelpack.export.pooling import add_stages  # noqa: PLC0415
    from modelpack.export.sizes import fix_sizes  # noqa: PLC0415

    proto = onnx.load(graph.path, load_external_data=False)
    has_changed = fix_sizes(proto, sizes)
    if stages:
        add_stages(proto, stages)
    if stages or has_changed:
        onnx.save(proto, graph.path)
    prefix = f"{graph.part}-" if graph.part else ""
    yield OutputFile(f"{prefix}graph", graph.path)
    yield OutputFile(f"{prefix}model", graph.path)
    for location in _data_files(proto):
        yield OutputFile(f"{prefix}model", graph.path.parent / location)
    path = graph.path.with_name(f"{prefix}state.json")
    inputs = (value.name for value in proto.graph.input)
    outputs = (value.name for value in proto.graph.output)
    path.write_bytes(msgspec.json.encode(state_pairs(inputs, outputs)))
    yield OutputFile(f"{prefix}state", path)


def _data_files(proto: ModelProto) -> list[str]:
    entries = (entry for tensor in proto.graph.initializer for entry in tensor.external_data)
    return sorted({entry.value for entry in entries if entry.key == "location"})
