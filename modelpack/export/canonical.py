"""One form of a graph, whatever order a converter's sets came in: the same file gives the same bytes.

1. Nodes stand in the order in which a walk from the outputs, inputs first, leaves them; what nobody needs is gone.
2. They are called after their operator and this order (`Conv_3`), values after the node that makes them, and weights after
   the first node that takes them, with the place among its inputs (`Conv_3.1`). tf2onnx merges equal ones under the name
   of either, so that those of the file cannot be kept. Inputs and outputs keep theirs.
3. Initialisers stand in the order in which nodes take them.
4. A subgraph is treated alike, when the walk comes to its node. What it takes from outside is an input of that node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import onnx
from msgspec import Struct


class _Walked(Struct, frozen=True):
    nodes: list[onnx.NodeProto]
    weights: dict[str, onnx.TensorProto]
    outside: list[str]


def make_canonical(model: onnx.ModelProto) -> None:
    """Orders and renames the graph in place (all four rules)."""
    graph = model.graph
    kept = {value.name: value.name for value in (*graph.input, *graph.output)}
    _rewrite(graph, kept, Counter())


def _rewrite(graph: onnx.GraphProto, outer: Mapping[str, str], count: Counter[str]) -> None:
    """Applies the rules to a graph that sees the values `outer`: their new names by the old ones."""
    walked, known = _walk(graph), dict(outer)
    for value in graph.input:
        value.name = known.setdefault(value.name, _counted(count, "input"))
    labels = [_counted(count, node.op_type) for node in walked.nodes]
    for node, label in zip(walked.nodes, labels, strict=True):
        for place, name in enumerate(_needed(node)):
            if name in walked.weights:
                known.setdefault(name, f"{label}.{place}")
        for place, name in enumerate(node.output):
            known.setdefault(name, f"{label}:{place}" if name else "")
    for name in walked.weights:
        known.setdefault(name, _counted(count, "weight"))  # a branch may give one as it is
    _reorder(graph, walked, known)
    for node, label in zip(graph.node, labels, strict=True):
        node.name = label
        _plain(node)
        node.input[:] = [known.get(name, name) for name in node.input]
        node.output[:] = [known.get(name, name) for name in node.output]
        for inner in _subgraphs(node):
            _rewrite(inner, known, count)
    for value in graph.output:
        value.name = known.get(value.name, value.name)


def _reorder(graph: onnx.GraphProto, walked: _Walked, known: Mapping[str, str]) -> None:
    """Puts what the walk found into the graph: nodes as they are, weights under their new names (rule 3)."""
    order = {name: place for place, name in enumerate(known)}
    weights, nodes = onnx.GraphProto(), onnx.GraphProto()
    for name in sorted(walked.weights, key=order.__getitem__):
        weights.initializer.add().CopyFrom(walked.weights[name])
        weights.initializer[-1].name = known[name]
    nodes.node.extend(walked.nodes)
    graph.ClearField("initializer")
    graph.ClearField("node")
    graph.MergeFrom(weights)
    graph.MergeFrom(nodes)


def _plain(node: onnx.NodeProto) -> None:
    """Takes out of a node what says nothing: empty fields, and names of constants."""
    for field in ("domain", "doc_string"):
        if not getattr(node, field):
            node.ClearField(field)
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.TENSOR:
            attribute.t.ClearField("name")


def _counted(count: Counter[str], word: str) -> str:
    count[word] += 1
    return f"{word}_{count[word]}"


def _walk(graph: onnx.GraphProto) -> _Walked:
    makers = {output: node for node in graph.node for output in node.output if output}
    weights = {weight.name: weight for weight in graph.initializer}
    seen, walked = {value.name for value in graph.input}, _Walked([], {}, [])
    stack: list[str | onnx.NodeProto] = [value.name for value in reversed(graph.output)]
    while stack:
        one = stack.pop()
        if isinstance(one, onnx.NodeProto):
            walked.nodes.append(one)
        elif one and one not in seen:
            seen.add(one)
            if one in makers:
                seen.update(makers[one].output)
                stack += [makers[one], *reversed(list(_needed(makers[one])))]
            elif one in weights:
                walked.weights[one] = weights[one]
            else:
                walked.outside.append(one)
    return walked


def _needed(node: onnx.NodeProto) -> Iterator[str]:
    """What the node takes, and then what its subgraphs take from outside."""
    yield from node.input
    for inner in _subgraphs(node):
        yield from _walk(inner).outside


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
