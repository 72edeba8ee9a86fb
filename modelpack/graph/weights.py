"""The weights of a graph: in which order they are used, by whom, and their bytes without a copy of the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import onnx_ir as ir
from msgspec import Struct
from onnx_ir.traversal import RecursiveGraphIterator

from modelpack.graph.chunks import Block, read_range


class WeightUse(Struct, frozen=True):
    """An initialiser, and the name and operator of the first node that reads it (empty where none does)."""

    value: ir.Value
    tensor: ir.TensorProtocol
    consumer: str
    operator: str


class WeightReader:
    """Bytes of weights as they lie in a data file: little-endian, 4-bit values packed.

    Keeps the last weight that is not in a data file, because each look at one inside a graph file is a copy of it.
    """

    def __init__(self) -> None:
        self._last: ir.TensorProtocol | None = None
        self._bytes = memoryview(b"")

    def blocks(
        self, tensor: ir.TensorProtocol, offset_bytes: int, size_bytes: int
    ) -> Iterator[Block]:
        """These bytes of the weight."""
        if isinstance(tensor, ir.ExternalTensor):
            start = tensor.offset or 0
            yield from read_range(Path(tensor.path), start + offset_bytes, size_bytes)
            return
        if tensor is not self._last:
            self._last, self._bytes = tensor, memoryview(tensor.tobytes())
        yield self._bytes[offset_bytes : offset_bytes + size_bytes]

    def digest(self, tensor: ir.TensorProtocol) -> str:
        """The SHA-256 of the whole weight."""
        hasher = hashlib.sha256()
        for block in self.blocks(tensor, 0, tensor.nbytes):
            hasher.update(block)
        return hasher.hexdigest()


def used_weights(model: ir.Model) -> tuple[WeightUse, ...]:
    """The initialisers of all graphs, in order of first use; those that no node reads come last."""
    first: dict[int, ir.Node] = {}
    for node in RecursiveGraphIterator(model.graph):
        for value in node.inputs:
            if value is not None:
                first.setdefault(id(value), node)
    order = {identity: number for number, identity in enumerate(first)}
    uses = [
        _use(value, value.const_value, first.get(id(value)))
        for graph in model.graphs()
        for value in graph.initializers.values()
        if value.const_value is not None
    ]
    return tuple(sorted(uses, key=lambda use: order.get(id(use.value), len(order))))


def _use(value: ir.Value, tensor: ir.TensorProtocol, node: ir.Node | None) -> WeightUse:
    if node is None:
        return WeightUse(value, tensor, "", "")
    return WeightUse(value, tensor, node.name or "", node.op_type)
