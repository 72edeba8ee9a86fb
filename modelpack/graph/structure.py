"""Whether the nodes of a model hang together: every name made once, everything read made, nothing in a circle."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator

import onnx

from modelpack.errors import SourceError
from modelpack.graph.walk import Scope, is_standard, node_label, scopes

_EXPORT_AGAIN = "export the model again"
_PRESENT = (
    "t",
    "g",
)  # numbers and strings that are zero or empty are left out by writers that know proto3 only
_FIELDS = {
    onnx.AttributeProto.FLOAT: "f",
    onnx.AttributeProto.INT: "i",
    onnx.AttributeProto.STRING: "s",
    onnx.AttributeProto.TENSOR: "t",
    onnx.AttributeProto.GRAPH: "g",
    onnx.AttributeProto.FLOATS: "floats",
    onnx.AttributeProto.INTS: "ints",
    onnx.AttributeProto.STRINGS: "strings",
    onnx.AttributeProto.TENSORS: "tensors",
    onnx.AttributeProto.GRAPHS: "graphs",
    onnx.AttributeProto.SPARSE_TENSOR: "sparse_tensor",
    onnx.AttributeProto.SPARSE_TENSORS: "sparse_tensors",
    onnx.AttributeProto.TYPE_PROTO: "tp",
    onnx.AttributeProto.TYPE_PROTOS: "type_protos",
}


def check_structure(model: onnx.ModelProto) -> None:
    """Nothing, where the graph can be put in an order in which it runs.

    Raises: SourceError MP-E320 naming the node or value.
    """
    if model.training_info:
        raise _malformed("the model carries training steps", "export the model for inference")
    if not model.graph.output:
        raise _malformed("the graph has no outputs")
    for scope in scopes(model):
        _check_names(scope)
        for node in scope.nodes:
            _check_attributes(node)
    _check_graph(model.graph, frozenset())
    for function in model.functions:
        made = frozenset(function.input)
        _check_nodes(list(function.node), made, made, list(function.output))
    _check_functions(model)


def _check_names(scope: Scope) -> None:
    graph = scope.graph
    if graph is None:
        return
    if graph.sparse_initializer:
        name = graph.sparse_initializer[0].values.name
        raise _malformed(f'tensor "{name}" is sparse, which onnxruntime-web does not read')
    _check_once("input", [value.name for value in graph.input])
    _check_once("output", [value.name for value in graph.output])
    _check_once("tensor", [tensor.name for tensor in graph.initializer])
    made = [name for node in graph.node for name in node.output if name]
    _check_once("value", made)
    fixed = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    again = next((name for name in made if name in fixed), None)
    if again is not None:
        raise _malformed(f'a node makes "{again}", which is an input or a tensor already')


def _check_attributes(node: onnx.NodeProto) -> None:
    """Each attribute is of the type it says; what libraries do with others is a matter of luck."""
    for attribute in node.attribute:
        field = _FIELDS.get(attribute.type)
        is_right = field is not None and (field not in _PRESENT or attribute.HasField(field))
        if not is_right and not attribute.ref_attr_name:
            raise _malformed(
                f'node "{node_label(node)}" has an attribute "{attribute.name}" without a value of its type'
            )
        if node.op_type == "Constant" and attribute.name == "value" and field != "t":
            raise _malformed(f'node "{node_label(node)}" is a Constant whose value is no tensor')


def _check_once(kind: str, names: list[str]) -> None:
    if "" in names:
        raise _malformed(f"one {kind} has no name")
    name, count = max(Counter(names).items(), key=lambda item: item[1], default=("", 0))
    if count > 1:
        raise _malformed(f'{count} {kind}s have the name "{name}"')


def _check_graph(graph: onnx.GraphProto, outer: frozenset[str]) -> None:
    made = frozenset(
        {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    )
    _check_nodes(list(graph.node), made, outer, [value.name for value in graph.output])


def _check_nodes(
    nodes: list[onnx.NodeProto], made: frozenset[str], outer: frozenset[str], outputs: list[str]
) -> None:
    """`made` are names that exist before any of the nodes run; `outer` those of the graphs around."""
    here = made.union(*(node.output for node in nodes)) - {""}
    visible = here | outer
    for node in nodes:
        for name in node.input:
            if name and name not in visible:
                raise _malformed(f'node "{node_label(node)}" reads "{name}", which nothing makes')
        for graph in _subgraphs(node):
            _check_graph(graph, visible)
    for name in outputs:
        if name not in visible:
            raise _malformed(f'nothing makes the output "{name}"')
    _check_no_circle(nodes, here - made)


def _check_no_circle(nodes: list[onnx.NodeProto], pending: frozenset[str]) -> None:
    """Takes away nodes that can run until none is left, or none of the rest can."""
    maker = {name: number for number, node in enumerate(nodes) for name in node.output if name}
    needs = [{maker[name] for name in _reads(node) if name in pending} for node in nodes]
    readers: dict[int, list[int]] = {}
    for number, makers in enumerate(needs):
        for needed in makers:
            readers.setdefault(needed, []).append(number)
    waiting = [len(makers) for makers in needs]
    ready = deque(number for number, count in enumerate(waiting) if count == 0)
    while ready:
        for reader in readers.get(ready.popleft(), ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    stuck = next((node for node, count in zip(nodes, waiting, strict=True) if count), None)
    if stuck is not None:
        raise _malformed(f'node "{node_label(stuck)}" needs its own result: the graph has a cycle')


def _reads(node: onnx.NodeProto) -> set[str]:
    """The names a node needs, those its subgraphs take from outside included."""
    names = {name for name in node.input if name}
    for graph in _subgraphs(node):
        own = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
        own = own.union(*(inner.output for inner in graph.node))
        inner_names = [_reads(inner) for inner in graph.node]
        outputs = {value.name for value in graph.output}
        names |= set().union(outputs, *inner_names) - own
    return names


def _subgraphs(node: onnx.NodeProto) -> Iterable[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _check_functions(model: onnx.ModelProto) -> None:
    """Functions may call each other, but not in a circle: onnxruntime would inline forever."""
    calls = {
        (function.domain, function.name): {
            (node.domain, node.op_type)
            for node in _with_nested(function.node)
            if not is_standard(node)
        }
        for function in model.functions
    }
    if len(calls) < len(model.functions):
        raise _malformed("two functions have the same name")
    while leaves := [name for name, called in calls.items() if not called & calls.keys()]:
        for name in leaves:
            del calls[name]
    if calls:
        _, circular = min(calls)
        raise _malformed(f'function "{circular}" calls itself')


def _with_nested(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for graph in _subgraphs(node):
            yield from _with_nested(graph.node)


def _malformed(message: str, remedy: str = _EXPORT_AGAIN) -> SourceError:
    return SourceError("MP-E320", message, remedy=remedy)
