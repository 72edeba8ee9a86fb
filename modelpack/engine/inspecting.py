"""The facts about an ONNX file outside of a build."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from modelpack.engine.worker import Call
from modelpack.engine.workers import ProcessWorkers, Workers
from modelpack.planned import InspectParams
from modelpack.record import ModelFacts
from modelpack.sources.sniff import check_is_onnx
from modelpack.steps.catalog import CATALOG
from modelpack.steps.contract import InputFiles, StepInput, StepOutput


def inspect_file(path: Path, workers: Workers | None = None) -> ModelFacts:
    """What the step `inspect` says of the file. Raises: SourceError if it is no model; WorkerError."""
    check_is_onnx(path)
    if workers is not None:
        return _inspect(path, workers)
    own = ProcessWorkers(1)
    try:
        return _inspect(path, own)
    finally:
        own.stop()


def _inspect(path: Path, workers: Workers) -> ModelFacts:
    kind = CATALOG["inspect"]
    with tempfile.TemporaryDirectory(prefix="modelpack-") as folder:
        step = StepInput(InspectParams((), (), ()), (InputFiles("model", (path,)),), Path(folder))
        output = workers.run(Call(kind.module, "run", step, path.name), kind.timeout_s)
        assert isinstance(output, StepOutput)  # noqa: S101 (for the type checker)
        return msgspec.json.decode(output.files[0].path.read_bytes(), type=ModelFacts)
