"""`shake`: only what the kept outputs need, with every weight where it can be quantised and stored outside."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

from modelpack.graph.finite import refuse_nan
from modelpack.graph.io import read_model, weight_bytes, write_model
from modelpack.graph.passes.clear_notes import ClearNotesPass
from modelpack.graph.passes.drop_input_weights import DropInputWeightsPass
from modelpack.graph.passes.drop_inputs import DropUnusedInputsPass
from modelpack.graph.passes.fix_dimensions import FixDimensionsPass
from modelpack.graph.passes.keep_outputs import KeepOutputsPass
from modelpack.graph.passes.lift_weights import LiftWeightsPass
from modelpack.graph.passes.name_nodes import NameNodesPass
from modelpack.graph.passes.share_weights import ShareWeightsPass
from modelpack.planned import ShakeParams
from modelpack.record import Measurement
from modelpack.steps.contract import StepInput, StepOutput, output_files


def run(step: StepInput[ShakeParams]) -> StepOutput:
    """The model with the role `model`, shaken; weights above io's limit stay mapped from file to file.

    Raises: SourceError MP-E205 if the model cannot be read, MP-E322 if a weight in a data file has a NaN.
    """
    model = read_model(step.one("model"))
    refuse_nan(model)
    before_bytes = weight_bytes(model)
    for rewrite in _passes(step.params):
        model = rewrite(model).model
    paths = write_model(model, step.folder)
    measurements = (
        Measurement("nodes", sum(1 for _ in model.graph.all_nodes())),
        Measurement("weightBytes", weight_bytes(model)),
        Measurement("weightBytesBefore", before_bytes),
    )
    return StepOutput(output_files("model", paths), measurements)


def _passes(params: ShakeParams) -> tuple[ir.passes.PassBase, ...]:
    """In the order they need: first what shrinks the graph, then what moves weights, names at the end."""
    narrowing = (DropUnusedInputsPass(),) if params.outputs else ()
    return (
        KeepOutputsPass(params.outputs),
        DropInputWeightsPass(),
        common.TopologicalSortPass(),
        common.RemoveUnusedNodesPass(),
        *narrowing,
        LiftWeightsPass(),
        common.RemoveUnusedNodesPass(),  # again: initialisers of subgraphs are only seen once they are lifted
        common.RemoveUnusedFunctionsPass(),  # type: ignore[no-untyped-call]  # onnx_ir left it untyped
        common.RemoveUnusedOpsetsPass(),
        ShareWeightsPass(),
        NameNodesPass(),
        FixDimensionsPass(dict(params.free_dimensions)),
        ClearNotesPass(),
    )
