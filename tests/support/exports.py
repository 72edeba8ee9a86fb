"""Exports in real workers, for tests that run where modelpack[export] is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from msgspec import Struct

from modelpack.engine.worker import Call
from modelpack.engine.workers import ProcessWorkers
from modelpack.planned import ExportParams
from modelpack.sources.checkpoint import checkpoint_files
from modelpack.spec.golden import StatePair
from modelpack.spec.sources import Export
from modelpack.steps.contract import InputFiles, StepInput, StepOutput

Array = npt.NDArray[np.float32] | npt.NDArray[np.int64]

needs_export = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("optimum") is None,
    reason="needs pip install 'modelpack[export]'",
)
needs_tflite = pytest.mark.skipif(
    find_spec("tensorflow") is None or find_spec("tf2onnx") is None,
    reason="needs pip install 'modelpack[tflite]'",
)
LIMIT_S = 300.0


class Exporter(Struct, frozen=True):
    """Makes small checkpoints and exports them, all in one worker: torch is imported once."""

    workers: ProcessWorkers
    folder: Path

    def checkpoint(self, kind: str) -> Path:
        """The checkpoint of that kind."""
        folder = self.folder / kind
        if not folder.exists():
            self.run("tests.support.small_checkpoints", "make", (kind, folder))
        return folder

    def export(self, checkpoint: Path, **settings: object) -> StepOutput:
        """What the export step gives for it. The step has run in a folder of its own."""
        out = self.folder / f"out{len(list(self.folder.glob('out*')))}"
        out.mkdir()
        files = tuple(checkpoint / name for name in checkpoint_files(checkpoint))
        params = ExportParams(msgspec.convert(settings, Export))
        step = StepInput(params, (InputFiles("checkpoint", files),), out)
        output = self.run("modelpack.steps.export", "run", step)
        assert isinstance(output, StepOutput)
        return output

    def expected(
        self, checkpoint: Path, inputs: dict[str, Array], *names: str
    ) -> list[npt.NDArray[np.float32]]:
        """What transformers computes from the checkpoint."""
        order = (checkpoint, inputs, names)
        found = self.run("tests.support.small_checkpoints", "outputs", order)
        assert isinstance(found, list)
        return found

    def run(self, module: str, function: str, argument: object) -> object:
        """The function's result, from the worker."""
        return self.workers.run(
            Call(module, function, argument, "export:test", pool="export"), LIMIT_S
        )


def file_of(output: StepOutput, role: str) -> Path:
    """The first file of that role."""
    return next(file.path for file in output.files if file.role == role)


def state_of(output: StepOutput, role: str = "state") -> tuple[StatePair, ...]:
    """The state that the export found."""
    return msgspec.json.decode(file_of(output, role).read_bytes(), type=tuple[StatePair, ...])
