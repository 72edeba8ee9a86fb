"""Making equal weights one, so that a tied embedding takes its memory once in the page as well."""

from __future__ import annotations

from collections import defaultdict

import onnx_ir as ir

from modelpack.graph.weights import WeightReader

_Form = tuple[ir.DataType, tuple[int, ...]]


class ShareWeightsPass(ir.passes.InPlacePass):
    """Replaces each initialiser by the first of its graph that has the same type, dimensions and bytes.

    1. Inputs and outputs of the graph stay: their names are public. Strings stay: they have no bytes to compare.
    2. Weights in data files are read, not mapped: onnx_ir's own pass maps them all, which for a model of 3.2 GB
       made 3.3 GB resident, against 0.1 GB here (benchmarks/bench_large.py).
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """The model with equal weights once in each graph."""
        reader = WeightReader()
        shared = sum(_share(graph, reader) for graph in model.graphs())
        return ir.passes.PassResult(model, modified=shared > 0)


def _share(graph: ir.Graph, reader: WeightReader) -> int:
    """How many initialisers of the graph were replaced."""
    shared = 0
    for alike in _by_form(graph).values():
        if len(alike) == 1:
            continue  # nothing to compare it with, so not read at all
        first: dict[str, ir.Value] = {}
        for value, tensor in alike:
            kept = first.setdefault(reader.digest(tensor), value)
            if kept is not value:
                value.replace_all_uses_with(kept)
                del graph.initializers[value.name or ""]
                shared += 1
    return shared


def _by_form(graph: ir.Graph) -> dict[_Form, list[tuple[ir.Value, ir.TensorProtocol]]]:
    alike: dict[_Form, list[tuple[ir.Value, ir.TensorProtocol]]] = defaultdict(list)
    for value in graph.initializers.values():
        tensor = value.const_value
        is_public = value.is_graph_input() or value.is_graph_output()  # case 1
        if tensor is not None and tensor.dtype != ir.DataType.STRING and not is_public:
            alike[tensor.dtype, tuple(tensor.shape.numpy())].append((value, tensor))
    return alike
