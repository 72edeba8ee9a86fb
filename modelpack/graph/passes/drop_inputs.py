"""Dropping inputs that nothing reads."""

from __future__ import annotations

import onnx_ir as ir


class DropUnusedInputsPass(ir.passes.InPlacePass):
    """Drops inputs of the main graph that no node reads and that are not outputs themselves.

    For models whose outputs were narrowed: the page should not have to feed what only a dropped output needed.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """The model with the inputs that are read."""
        inputs = model.graph.inputs
        kept = [value for value in inputs if value.uses() or value.is_graph_output()]
        modified = len(kept) < len(inputs)
        inputs.clear()
        inputs.extend(kept)
        return ir.passes.PassResult(model, modified=modified)
