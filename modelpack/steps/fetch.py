"""`fetch`: a model that lies elsewhere, which the engine has downloaded and checked, as the result of a step.

That it is a step makes the files results like any other: kept under the digests that were pinned, on whichever machine,
and not downloaded again while the cache has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from onnx import ModelProto

from modelpack.errors import StepError
from modelpack.graph.parsing import parse_graph
from modelpack.graph.state import state_pairs
from modelpack.graph.walk import tensors
from modelpack.planned import FetchParams
from modelpack.record import Measurement
from modelpack.steps.contract import OutputFile, StepInput, StepOutput


def run(step: StepInput[FetchParams]) -> StepOutput:
    """The graph (`graph`), it with its data files (`model`), and the cache that a page carries between calls (`state`).

    Raises: StepError MP-E462 if the graph has data files that did not come with it.
    """
    fetched = tuple(zip(step.names("model"), step.many("model"), strict=True))
    proto = parse_graph(step.one("model"))
    _check_data(proto, {name for name, _ in fetched})
    paths = [_moved(path, step.folder / name) for name, path in fetched]
    state = step.folder / "state.json"
    inputs = (value.name for value in proto.graph.input)
    outputs = (value.name for value in proto.graph.output)
    state.write_bytes(msgspec.json.encode(state_pairs(inputs, outputs)))
    files = (OutputFile("model", path) for path in paths)
    sizes = sum(path.stat().st_size for path in paths)
    return StepOutput(
        (OutputFile("graph", paths[0]), *files, OutputFile("state", state)),
        (Measurement("sizeBytes", sizes),),
    )


def _moved(path: Path, to: Path) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    return path.rename(to)  # its folder is the step's own


def _check_data(proto: ModelProto, held: set[str]) -> None:
    missing = sorted(set(_locations(proto)) - held)
    if missing:
        raise StepError(
            "MP-E462",
            f'the graph has its weights in "{missing[0]}", which was not fetched with it',
            remedy="run `modelpack lock`, which finds the data files of a graph, or choose a graph that holds its weights",
        )


def _locations(proto: ModelProto) -> Iterator[str]:
    for named in tensors(proto):
        for entry in named.tensor.external_data:
            if entry.key == "location":
                yield entry.value
