"""Making weights constants, in graphs that list them as inputs."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

_FIRST_IR_VERSION = 4  # before it, every initialiser had to be an input, too


class DropInputWeightsPass(ir.passes.InPlacePass):
    """Takes initialisers off the list of inputs, so that they can be folded, quantised and stored outside.

    1. A graph of IR version 3 becomes one of version 4, even without initialisers: later passes may add some.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """The model whose inputs are what a caller feeds."""
        is_old = model.ir_version < _FIRST_IR_VERSION
        if is_old:
            model.ir_version = _FIRST_IR_VERSION
        result = common.RemoveInitializersFromInputsPass()(model)
        return ir.passes.PassResult(model, modified=result.modified or is_old)
