"""`fetch`: a file from the web, which the engine has downloaded and checked, as the result of a step.

Nothing is left to do here. That it is a step makes the file a result like any other: kept under the digest that was pinned,
on whichever machine, and not downloaded again while the cache has it.
"""

from __future__ import annotations

from modelpack.record import Measurement
from modelpack.spec import FetchParams
from modelpack.steps.contract import OutputFile, StepInput, StepOutput


def run(step: StepInput[FetchParams]) -> StepOutput:
    """The file with the role `model`, under the same role."""
    path = step.one("model").rename(step.folder / "model.onnx")  # its folder is the step's own
    return StepOutput(
        (OutputFile("model", path),), (Measurement("sizeBytes", path.stat().st_size),)
    )
