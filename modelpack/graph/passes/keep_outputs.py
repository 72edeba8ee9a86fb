"""Keeping only the outputs a page reads."""

from __future__ import annotations

import onnx_ir as ir


class KeepOutputsPass(ir.passes.InPlacePass):
    """Drops every other output of the main graph; what only they needed is left for RemoveUnusedNodesPass.

    1. No names: nothing changes.
    2. The outputs that stay keep the order they had in the graph, not the order of the names.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self._names = frozenset(names)

    def requires(self, model: ir.Model) -> None:
        """Raises: PreconditionError if the graph lacks one of the names."""
        missing = sorted(self._names - {value.name for value in model.graph.outputs})
        if missing:
            raise ir.passes.PreconditionError(f"no output {missing[0]}")

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """The model with the named outputs."""
        outputs = model.graph.outputs
        dropped = [value for value in outputs if self._names and value.name not in self._names]
        kept = [value for value in outputs if value not in dropped]  # case 2
        outputs.clear()
        outputs.extend(kept)
        return ir.passes.PassResult(model, modified=bool(dropped))
