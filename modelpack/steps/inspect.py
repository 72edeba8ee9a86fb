"""`inspect`: what a model is, from its graph file alone, before anything is spent on it."""

from __future__ import annotations

import msgspec
from onnx import ModelProto

from modelpack.errors import SourceError
from modelpack.graph.facts import check_wanted, read_facts
from modelpack.graph.parsing import parse_graph
from modelpack.graph.structure import check_structure
from modelpack.graph.support import check_support, opset_of
from modelpack.graph.tensors import count_not_finite
from modelpack.graph.walk import nodes, tensors
from modelpack.planned import InspectParams
from modelpack.record import Measurement
from modelpack.steps.contract import OutputFile, StepInput, StepOutput


def run(step: StepInput[InspectParams]) -> StepOutput:
    """`facts.json`, the ModelFacts of the graph with the role `model`; its data files are not needed.

    Raises: SourceError if the graph is malformed, not for onnxruntime-web, or lacks what the parameters name.
    """
    model = parse_graph(step.one("model"))
    check_support(model)
    check_structure(model)
    facts = read_facts(model)
    check_wanted(facts, step.params)
    notes = tuple(_check_finite(model))
    path = step.folder / "facts.json"
    path.write_bytes(msgspec.json.encode(facts))
    measurements = (
        Measurement("nodes", sum(1 for _ in nodes(model))),
        Measurement("weightBytes", sum(tensor.size_bytes for tensor in facts.tensors)),
        Measurement("opset", opset_of(model)),
    )
    return StepOutput((OutputFile("facts", path),), measurements, notes)


def _check_finite(model: ModelProto) -> list[str]:
    """A note for each tensor with infinite values: masks need them, weights do not."""
    notes = []
    for named in tensors(model):
        if not named.is_weight:
            continue
        nans, infinities = count_not_finite(named.tensor)
        if nans:
            raise SourceError(
                "MP-E322",
                f'tensor "{named.name}" has {nans} values that are not a number (NaN)',
                remedy="train or export the model again",
            )
        if infinities:
            notes.append(
                f'infinite values in tensor "{named.name}": {infinities}; masks have them, weights should not'
            )
    return notes
