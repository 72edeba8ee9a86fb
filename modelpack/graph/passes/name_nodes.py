"""Names for everything that has none."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common


class NameNodesPass(ir.passes.InPlacePass):
    """Gives every node and value a name of its own; names that are unique already stay.

    1. A node without a name is called after its operator and first output, which outlasts changes elsewhere in the
       graph; a running number would not.
    2. A name of a subgraph that hides one of the graphs around it gets a number.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """The model with unique names."""
        unnamed = [node for node in model.graph.all_nodes() if not node.name]
        for node in unnamed:
            node.name = _name(node)
        result = common.NameFixPass()(model)
        return ir.passes.PassResult(model, modified=bool(unnamed) or result.modified)


def _name(node: ir.Node) -> str:
    first = next((value.name for value in node.outputs if value.name), "")
    return f"{node.op_type}_{first}" if first else node.op_type
