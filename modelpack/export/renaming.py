"""Names in a graph that a converter made up, as a page would write them."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from modelpack.graph.walk import scopes

BATCH = "batch"


def rename(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Gives values other names in place, wherever they are used, in subgraphs too; where a new one is taken, its owner moves."""
    taken = {name for node in _all_nodes(model) for name in (*node.input, *node.output)}
    moved = {new: f"{new}__inner" for old, new in names.items() if new in taken and new != old}
    changed = {**moved, **names}
    for scope in scopes(model):
        for node in scope.nodes:
            node.input[:] = [changed.get(name, name) for name in node.input]
            node.output[:] = [changed.get(name, name) for name in node.output]
        if scope.graph is not None:
            for value in (*scope.graph.input, *scope.graph.output):
                value.name = changed.get(value.name, value.name)
            for weight in scope.graph.initializer:
                weight.name = changed.get(weight.name, weight.name)
    for scope in scopes(model):
        if scope.graph is not None:
            del scope.graph.value_info[:]  # it follows from the rest


def open_dimensions(model: onnx.ModelProto) -> None:
    """Names the open dimensions of inputs and outputs in place: the first is `batch`, another one is called after its value."""
    for value in (*model.graph.input, *model.graph.output):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value"):
                dim.dim_param = f"{value.name}_{axis}" if axis else BATCH


def _all_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for scope in scopes(model) for node in scope.nodes]
