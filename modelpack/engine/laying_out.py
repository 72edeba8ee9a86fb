"""The inputs of a step, laid out for somebody who does not run it: benchmarks compare with what `evaluate` compares with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelpack.engine.inputs import Inputs, materialise
from modelpack.engine.runner import input_files
from modelpack.planned import Params, Step
from modelpack.record import TaskResult
from modelpack.steps.contract import StepInput
from modelpack.store.store import Store


def lay_out(
    step: Step, results: Mapping[str, TaskResult], store: Store, folder: Path
) -> StepInput[Params]:
    """The step's parameters and input files, copied to `folder`. Raises: SourceError, StoreError."""
    inputs = Inputs(store).resolve(step, results)
    materialise(inputs, folder, store)
    return StepInput(step.params, input_files(inputs, folder), folder)
