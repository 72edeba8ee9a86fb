"""Names for everything that has none."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common


class NameNodesPass(ir.passes.InPlacePass):
    """Gives every node and value a name of its own; names that are unique already stay.

    1. A node without a name is called after its operator and first output, which outlasts changes elsewhere in the
       graph; a running number would not.
    2. A name of a subgraph that hides one of the graphs around it gets a number.
    3. An output without a name is one that is left out, and stays so: a name could ask an operator for more work.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """The model with unique names."""
        before = _names(model)
        left_out = [value for value in _outputs(model) if not value.name]
        for node in model.graph.all_nodes():
            node.name = node.name or _name(node)
        common.NameFixPass()(model)
        for value in left_out:
            value.name = ""  # case 3
        return ir.passes.PassResult(model, modified=before != _names(model))


def _names(model: ir.Model) -> list[str | None]:
    nodes = [node.name for node in model.graph.all_nodes()]
    weights = [name for graph in model.graphs() for name in graph.initializers]
    return [*nodes, *weights, *(value.name for value in _outputs(model))]


def _outputs(model: ir.Model) -> list[ir.Value]:
    return [value for node in model.graph.all_nodes() for value in node.outputs]


def _name(node: ir.Node) -> str:
    first = next((value.name for value in node.outputs if value.name), "")
    return f"{node.op_type}_{first}" if first else node.op_type
