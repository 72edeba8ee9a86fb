"""Putting new nodes and initialisers into a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.weights import Use, name_of

Attribute: TypeAlias = int | float | str | tuple[int, ...]


class Builder:
    """Adds to one model under names that nothing in it has yet."""

    def __init__(self, model: ir.Model) -> None:
        self.model = model
        self._taken = _names(model)
        self._numbers: dict[str, int] = {}

    def initializer(self, name: str, array: NDArray[np.generic]) -> ir.Value:
        """A new initialiser of the main graph: subgraphs see it too."""
        name = self.free(name)
        tensor = ir.Tensor(array, name=name)
        value = ir.Value(
            name=name,
            shape=ir.Shape(array.shape),
            type=ir.TensorType(tensor.dtype),
            const_value=tensor,
        )
        self.model.graph.register_initializer(value)
        return value

    def node(
        self,
        operator: str,
        inputs: Sequence[ir.Value | None],
        name: str,
        attributes: Mapping[str, Attribute] | None = None,
        *,
        domain: str = "",
        outputs: int = 1,
    ) -> ir.Node:
        """A new node, not yet in any graph; its outputs are named after it."""
        names = [name] if outputs == 1 else [f"{name}_{index}" for index in range(outputs)]
        values = [ir.Value(name=self.free(each)) for each in names]
        return ir.Node(
            domain,
            operator,
            inputs,
            attributes=[_attribute(key, value) for key, value in (attributes or {}).items()],
            outputs=values,
            name=values[0].name,
        )

    def free(self, name: str) -> str:
        """The name, or one like it that nothing has yet; it is taken from then on."""
        candidate, number = name, self._numbers.get(name, 0)
        while candidate in self._taken:
            number += 1
            candidate = f"{name}_{number}"
        self._numbers[name] = number
        self._taken.add(candidate)
        return candidate

    def drop_unused(self) -> None:
        """Removes the initialisers that nothing reads any more."""
        for graph in self.model.graphs():
            for name, value in list(graph.initializers.items()):
                public = value.is_graph_input() or value.is_graph_output()
                if not value.uses() and not public:
                    del graph.initializers[name]


def insert_before(node: ir.Node, new: Sequence[ir.Node]) -> None:
    """Puts the new nodes right before `node`, into the graph or subgraph it is in."""
    known(node.graph, "a node's graph").insert_before(node, new)


def replace_node(old: ir.Node, new: Sequence[ir.Node]) -> None:
    """Puts `new` in the place of `old`: the last one's first output takes over name and readers of `old`'s."""
    graph = known(old.graph, "a node's graph")
    source, target = old.outputs[0], new[-1].outputs[0]
    target.name, target.shape, target.type = source.name, source.shape, source.type
    graph.insert_before(old, new)
    source.replace_all_uses_with(target, replace_graph_outputs=True)
    graph.remove(old, safe=True)


def feed_through(builder: Builder, uses: Sequence[Use], make: Sequence[ir.Node]) -> None:
    """Gives every use what the last node of `make` gives, with one copy of the nodes for each graph that has uses.

    A branch of an `If` gets its own copy, so that weights of the branch that is not taken cost no time.
    """
    seen: dict[int, ir.Value] = {}
    for use in uses:
        graph = known(use.node.graph, "a node's graph")
        if id(graph) not in seen:
            nodes = make if not seen else _copies(builder, make)
            insert_before(_first(uses, graph), nodes)
            seen[id(graph)] = nodes[-1].outputs[0]
        use.node.replace_input_with(use.index, seen[id(graph)])


def _first(uses: Sequence[Use], graph: Iterable[ir.Node]) -> ir.Node:
    readers = {id(use.node) for use in uses if use.node.graph is graph}
    return next(node for node in graph if id(node) in readers)


def _copies(builder: Builder, nodes: Sequence[ir.Node]) -> list[ir.Node]:
    made: dict[int, ir.Value] = {}
    copies = []
    for node in nodes:
        inputs = [made.get(id(value), value) for value in node.inputs]
        copy = builder.node(node.op_type, inputs, name_of(node.outputs[0]))
        copy.attributes.update(node.attributes)
        made[id(node.outputs[0])] = copy.outputs[0]
        copies.append(copy)
    return copies


def _attribute(key: str, value: Attribute) -> ir.Attr:
    match value:
        case int():
            return ir.AttrInt64(key, value)
        case float():
            return ir.AttrFloat32(key, value)
        case tuple():
            return ir.AttrInt64s(key, value)
        case _:
            return ir.AttrString(key, value)


def _names(model: ir.Model) -> set[str]:
    names: set[str] = set()
    for graph in model.graphs():
        names |= {value.name or "" for value in graph.inputs}
        names |= set(graph.initializers)
        for node in graph:
            names |= {value.name or "" for value in node.outputs}
            names.add(node.name or "")
    return names
