"""The element types of a model's values, through subgraphs, and of the type variables of its nodes.

ONNX's own inference stops at onnxruntime's operators and is wrong at times inside branches; this follows types alone.
Words are those of type constraints: `float`, `float16`, `int64`. What is not known is missing, and left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import onnx_ir as ir
from msgspec import Struct

from modelpack.graph.compatibility.table import TableFile
from modelpack.graph.compatibility.typing import (
    Signature,
    Types,
    bound_types,
    element_type,
    output_types,
    signature_of,
)
from modelpack.graph.recipes.opset import opset_of

# Outputs of the body that come before those of the node: a loop's condition.
_BEFORE = {"Loop": 1, "Scan": 0, "If": 0}
_STANDARD = ("", "ai.onnx")


class TypedNode(Struct, frozen=True):
    """A node with a known signature: what binds its type variables, and the formal type of each input and output."""

    signature: Signature
    bound: Types
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def is_float(self, formal: str) -> bool:
        """Whether the formal type is a variable that stands for float32 here."""
        return self.bound.get(formal) == "float"


class ElementTypes:
    """The types of one model, as it was when this was made."""

    def __init__(self, model: ir.Model, table: TableFile) -> None:
        self._opset, self._opsets = opset_of(model), dict(model.opset_imports)
        self._table = table
        self._types: Types = {}
        self._nodes: dict[int, TypedNode] = {}
        self._graph(model.graph)

    def of(self, value: ir.Value) -> str:
        """The value's type; empty where it is not known."""
        return self._types.get(_key(value), "")

    def node(self, node: ir.Node) -> TypedNode | None:
        """What is known of the node; None where nobody has described its operator."""
        return self._nodes.get(id(node))

    def _graph(self, graph: ir.Graph) -> None:
        for value in (*graph.inputs, *graph.initializers.values()):
            self._learn(value, "")
        for node in graph:
            self._node(node)

    def _learn(self, value: ir.Value, kind: str) -> None:
        stated = element_type(value.dtype) if value.dtype is not None else ""
        is_tensor = value.type is None or isinstance(value.type, ir.TensorType)
        if is_tensor and (kind or stated) and not self._types.get(_key(value)):
            self._types[_key(value)] = kind or stated

    def _node(self, node: ir.Node) -> None:
        bodies = list(bodies_of(node))
        for body in bodies:
            self._enter(node, body)
        own = node.domain in _STANDARD
        opset = self._opset if own else self._opsets.get(node.domain, 1)
        proto = _outline(node)
        signature = signature_of(proto, opset, self._table)
        kinds: Types = {}
        if signature is not None:
            bound = bound_types(proto, signature, self._types)
            kinds = output_types(proto, signature, bound)
            self._nodes[id(node)] = TypedNode(
                signature,
                bound,
                _formal(signature.inputs, len(node.inputs)),
                _formal(signature.outputs, len(node.outputs)),
            )
        for value in node.outputs:
            self._learn(value, kinds.get(_key(value), ""))
        for body in bodies:
            self._leave(node, body)

    def _enter(self, node: ir.Node, body: ir.Graph) -> None:
        """What a loop carries, and what a scan reads, has the type that is handed in."""
        if node.op_type in {"Loop", "Scan"} and node.domain in _STANDARD:
            for outer, inner in zip(node.inputs, body.inputs, strict=False):
                if outer is not None:
                    self._learn(inner, self.of(outer))
        self._graph(body)

    def _leave(self, node: ir.Node, body: ir.Graph) -> None:
        if node.op_type in _BEFORE and node.domain in _STANDARD:
            before = _BEFORE[node.op_type]
            for outer, inner in zip(node.outputs, body.outputs[before:], strict=False):
                self._learn(outer, self.of(inner))


def float_values(model: ir.Model, types: ElementTypes) -> tuple[ir.Value, ...]:
    """The float32 values that the model computes or is given, in one order for every reading of a file."""
    return tuple(
        value
        for graph in model.graphs()
        for value in (*graph.inputs, *(made for node in graph for made in node.outputs))
        if value.name and types.of(value) == "float" and not value.is_initializer()
    )


def bodies_of(node: ir.Node) -> Iterator[ir.Graph]:
    """The node's subgraphs, in the order of its attributes."""
    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH:
            yield attribute.as_graph()
        elif attribute.type == ir.AttributeType.GRAPHS:
            yield from attribute.as_graphs()


def _key(value: ir.Value) -> str:
    """A name of its own: branches may use the same names for different values."""
    return str(id(value))


def _formal(kinds: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The formal type of each of so many; the last one repeats."""
    rest = kinds[-1:] * max(0, count - len(kinds))
    return (*kinds, *rest)[:count]


def _outline(node: ir.Node) -> onnx.NodeProto:
    """The node by what decides about types: no tensors, no subgraphs."""
    proto = onnx.NodeProto(op_type=node.op_type, domain=node.domain)
    proto.input.extend("" if value is None else _key(value) for value in node.inputs)
    proto.output.extend(_key(value) for value in node.outputs)
    for name, attribute in node.attributes.items():
        outlined = proto.attribute.add(name=name)
        if attribute.type == ir.AttributeType.INT:
            outlined.CopyFrom(onnx.helper.make_attribute(name, attribute.as_int()))
        elif attribute.type == ir.AttributeType.TENSOR:
            outlined.type = onnx.AttributeProto.TENSOR
            outlined.t.data_type = int(attribute.as_tensor().dtype)
    return proto
