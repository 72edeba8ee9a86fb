"""Every graph, node and tensor of an ONNX model as it was parsed, subgraphs and functions included."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from msgspec import Struct

from modelpack.errors import SourceError

MAX_NESTING = 24  # protobuf itself ends at 33; exporters rarely reach 3
_STANDARD_DOMAINS = ("", "ai.onnx")


class Scope(Struct, frozen=True):
    """A list of nodes with the graph it belongs to (None for a function's body) and how deep it is nested."""

    name: str
    nodes: tuple[onnx.NodeProto, ...]
    graph: onnx.GraphProto | None
    depth: int


class NamedTensor(Struct, frozen=True):
    """A tensor and the name it is known by. `is_weight` tells initialisers and Constant nodes from other attributes."""

    name: str
    tensor: onnx.TensorProto
    is_weight: bool
    is_initializer: bool


def scopes(model: onnx.ModelProto) -> Iterator[Scope]:
    """The main graph, then the bodies of functions, each followed by its subgraphs.

    Raises: SourceError MP-E320 if graphs are nested deeper than MAX_NESTING.
    """
    yield from _graph_scopes(model.graph, 0)
    for function in model.functions:
        yield Scope(function.name, tuple(function.node), None, 0)
        for node in function.node:
            yield from _subgraph_scopes(node, 1)


def nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Every node of every scope."""
    for scope in scopes(model):
        yield from scope.nodes


def tensors(model: onnx.ModelProto) -> Iterator[NamedTensor]:
    """Every dense tensor: initialisers, then those in attributes of nodes."""
    for scope in scopes(model):
        for initializer in scope.graph.initializer if scope.graph is not None else ():
            yield NamedTensor(initializer.name, initializer, is_weight=True, is_initializer=True)
        for node in scope.nodes:
            yield from _attribute_tensors(node)


def is_standard(node: onnx.NodeProto) -> bool:
    """Whether the node's operator is of ONNX's own domain."""
    return node.domain in _STANDARD_DOMAINS


def node_label(node: onnx.NodeProto) -> str:
    """What a person finds the node by: its name, or its operator and first output."""
    if node.name:
        return node.name
    return f"{node.op_type} → {node.output[0]}" if node.output else node.op_type


def _graph_scopes(graph: onnx.GraphProto, depth: int) -> Iterator[Scope]:
    if depth > MAX_NESTING:
        raise SourceError(
            "MP-E320",
            f"graphs are nested more than {MAX_NESTING} deep",
            remedy="export the model without nested control flow",
        )
    yield Scope(graph.name, tuple(graph.node), graph, depth)
    for node in graph.node:
        yield from _subgraph_scopes(node, depth + 1)


def _subgraph_scopes(node: onnx.NodeProto, depth: int) -> Iterator[Scope]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield from _graph_scopes(attribute.g, depth)
        for graph in attribute.graphs:
            yield from _graph_scopes(graph, depth)


def _attribute_tensors(node: onnx.NodeProto) -> Iterator[NamedTensor]:
    is_constant = node.op_type == "Constant" and is_standard(node)
    name = node.output[0] if is_constant and node.output else node_label(node)
    for attribute in node.attribute:
        if attribute.HasField("t"):
            yield NamedTensor(name, attribute.t, is_weight=is_constant, is_initializer=False)
        for tensor in attribute.tensors:
            yield NamedTensor(name, tensor, is_weight=False, is_initializer=False)
