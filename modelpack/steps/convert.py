"""`convert`: a TensorFlow Lite model becomes ONNX that agrees with it, through tf2onnx."""

from __future__ import annotations

import msgspec

from modelpack.export.libraries import TFLITE, need_libraries
from modelpack.graph.state import state_pairs
from modelpack.planned import ConvertParams
from modelpack.record import Measurement
from modelpack.steps.contract import OutputFile, StepInput, StepOutput


def run(step: StepInput[ConvertParams]) -> StepOutput:
    """The graph (`graph`, `model`), and the state a page carries between its calls (`state`).

    Raises: StepError MP-E404 without TensorFlow, MP-E464 if there is no way, MP-E461 if the result differs.
    """
    need_libraries(TFLITE)
    # Only now: TensorFlow takes seconds, and may not be there.
    from modelpack.export.tflite import convert  # noqa: PLC0415

    model = convert(step.one("tflite"), step.params)
    path, state = step.folder / "model.onnx", step.folder / "state.json"
    path.write_bytes(model.SerializeToString(deterministic=True))
    inputs = (value.name for value in model.graph.input)
    outputs = (value.name for value in model.graph.output)
    state.write_bytes(msgspec.json.encode(state_pairs(inputs, outputs)))
    opset = next(one.version for one in model.opset_import if not one.domain)
    return StepOutput(
        (OutputFile("graph", path), OutputFile("model", path), OutputFile("state", state)),
        (Measurement("opset", opset),),
    )
