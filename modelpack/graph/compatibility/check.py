"""Which nodes of a graph a device does not run itself.

1. A node that no provider of the build has is found always: the session is not created.
2. A node that falls back to wasm is found where it stands behind the device's own work: each inference then waits for
   copies there and back.
3. It is not found where everything it reads lies on the processor anyway: constants, shapes, the model's integer inputs
   (token ids, masks), and what other such nodes make of them. onnxruntime puts these nodes there on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from msgspec import Struct

from modelpack.graph.compatibility.naming import operator_of
from modelpack.graph.compatibility.support import Place, Support
from modelpack.graph.compatibility.table import TableFile
from modelpack.graph.compatibility.typing import (
    Types,
    bound_types,
    given_types,
    output_types,
    signature_of,
)
from modelpack.graph.walk import is_standard, node_label

_SHAPES = frozenset({"Shape", "Size"})
_FLOATS = frozenset({"float", "float16", "double", "bfloat16"})


class Found(Struct, frozen=True):
    """A node that the device does not run: where it runs, the version of its operator, and its element types."""

    node: str
    operator: str
    since: int
    types: tuple[tuple[str, str], ...]
    place: Place


class Checked(Struct, frozen=True):
    """What a graph's nodes are: found ones, and how many the device and the processor run as they should."""

    found: tuple[Found, ...]
    on_device: int
    on_processor: int


class _Walk:
    def __init__(self, model: onnx.ModelProto, support: Support, table: TableFile) -> None:
        self.opsets = {entry.domain or "": entry.version for entry in model.opset_import}
        self.functions = {(f.domain, f.name): f for f in model.functions}
        self.support = support
        self.table = table
        self.found: list[Found] = []
        self.on_device = 0
        self.on_processor = 0
        self.near: set[str] = set()

    def graph(
        self, graph: onnx.GraphProto, outer: Types, near: frozenset[str], *, top: bool
    ) -> bool:
        """Whether all its outputs lie on the processor. `near` are the outer values that do."""
        types = outer | given_types(graph)
        weights = {tensor.name for tensor in graph.initializer}
        integers = {v.name for v in graph.input if types[v.name] not in {*_FLOATS, ""}}
        return self.nodes(graph, types, set(near) | weights | (integers if top else set()))

    def nodes(self, graph: onnx.GraphProto, types: Types, near: set[str]) -> bool:
        for node in graph.node:
            is_near = self.node(node, types, near)
            if is_near:
                near.update(node.output)
        return all(value.name in near for value in graph.output)

    def node(self, node: onnx.NodeProto, types: Types, near: set[str]) -> bool:
        """Whether its outputs lie on the processor."""
        reads_near = all(name in near for name in node.input if name)
        for body in _bodies(node):
            reads_near &= self.graph(body, dict(types), frozenset(near), top=False)
        if (node.domain, node.op_type) in self.functions:
            return reads_near  # its body is looked at where the graph is inlined; exporters do that
        domain = "" if is_standard(node) else node.domain
        signature = signature_of(node, self.opsets.get(domain, 1), self.table)
        if signature is None:
            types.update(dict.fromkeys(node.output, ""))
            return reads_near
        bound = bound_types(node, signature, types)
        types.update(output_types(node, signature, bound))
        operator = operator_of(node)
        place = self.support.place(operator, signature.since, bound)
        may_be_near = reads_near or node.op_type in _SHAPES
        if may_be_near:
            self.near.add(node_label(node))
        is_near = may_be_near and (place != "device" or _is_whole(node, types))
        if place == "device" or (place == "wasm" and may_be_near):
            self.on_processor += place == "wasm"
            self.on_device += place == "device"
        else:
            kinds = tuple((name, kind) for name, kind in bound.items() if kind)
            self.found.append(Found(node_label(node), operator, signature.since, kinds, place))
        return is_near


def check_graph(model: onnx.ModelProto, support: Support, table: TableFile) -> Checked:
    """The nodes that need to be spoken of. The model's weights may be missing."""
    walk = _Walk(model, support, table)
    walk.graph(model.graph, {}, frozenset(), top=True)
    return Checked(tuple(walk.found), walk.on_device, walk.on_processor)


def near_nodes(model: onnx.ModelProto, support: Support, table: TableFile) -> frozenset[str]:
    """The nodes that read only what lies on the processor anyway (case 3), as people name them."""
    walk = _Walk(model, support, table)
    walk.graph(model.graph, {}, frozenset(), top=True)
    return frozenset(walk.near)


def _is_whole(node: onnx.NodeProto, types: Types) -> bool:
    """Whether it gives integers, such as a shape: onnxruntime leaves what is computed from those on the processor."""
    return all(types.get(name) not in {*_FLOATS, "", None} for name in node.output if name)


def _bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs
