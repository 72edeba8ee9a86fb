"""Running a pass on a small model, and comparing what the model computes before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort

from modelpack.graph.feeds import working_feeds
from modelpack.graph.sessions import run_session


def apply(rewrite: ir.passes.PassBase, model: onnx.ModelProto) -> tuple[onnx.ModelProto, bool]:
    """The model after the pass, and whether the pass says it changed something."""
    result = rewrite(ir.from_proto(model))
    return ir.to_proto(result.model), result.modified


def computes_the_same(before: onnx.ModelProto | Path, after: onnx.ModelProto | Path) -> bool:
    """Whether all outputs of `after` are, bit for bit, those of `before` on three generated inputs.

    Without onnxruntime's own rewriting, which sees more constants in one of the two and then sums in another order.
    """
    reference, candidate = _session(before), _session(after)
    inputs = {value.name for value in candidate.get_inputs()}
    names = [output.name for output in candidate.get_outputs()]
    for feeds in working_feeds(reference, range(3)):
        kept = {name: array for name, array in feeds.items() if name in inputs}
        expected, found = run_session(reference, feeds, names), run_session(candidate, kept, names)
        if not all(np.array_equal(expected[name], found[name]) for name in names):
            return False
    return True


def _session(model: onnx.ModelProto | Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    source = model if isinstance(model, Path) else model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
