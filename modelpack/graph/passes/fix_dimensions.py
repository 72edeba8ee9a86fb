"""Giving symbolic dimensions a size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import onnx_ir as ir
from onnx_ir.passes import common
from onnx_ir.traversal import RecursiveGraphIterator

from modelpack.graph.io import weight_bytes

_INFERENCE_LIMIT_BYTES = 2 << 30  # protobuf ends there


class FixDimensionsPass(ir.passes.InPlacePass):
    """Replaces dimensions by name, wherever a shape is written down, and lets the sizes spread through the graph.

    1. No names: nothing changes.
    2. Spreading is shape inference; where it fails, or above 2 GiB of weights, the named dimensions are still fixed.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self._sizes = dict(sizes)

    def requires(self, model: ir.Model) -> None:
        """Raises: PreconditionError if no input has one of the dimensions."""
        known = {
            size.value
            for value in model.graph.inputs
            for size in (value.shape.dims if value.shape is not None else ())
            if isinstance(size, ir.SymbolicDim)
        }
        missing = sorted(self._sizes.keys() - known)
        if missing:
            raise ir.passes.PreconditionError(f"no input has the dimension {missing[0]}")

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """The model with fixed dimensions."""
        changes = [self._fix(value) for value in _values(model.graph)]
        modified = any(changes)
        if modified and weight_bytes(model) <= _INFERENCE_LIMIT_BYTES:  # case 2
            common.ShapeInferencePass(check_type=False, strict_mode=False)(model)
        return ir.passes.PassResult(model, modified=modified)

    def _fix(self, value: ir.Value) -> bool:
        if value.shape is None:
            return False
        names = [None if isinstance(size, int) else size.value for size in value.shape.dims]
        if not self._sizes.keys() & set(names):
            return False
        value.shape = ir.Shape(
            size if name is None else self._sizes.get(name, size)
            for name, size in zip(names, value.shape.dims, strict=True)
        )
        return True


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from graph.inputs
    for node in RecursiveGraphIterator(graph):
        yield from node.outputs
