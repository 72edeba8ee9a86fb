from __future__ import annotations

import onnx
import onnx_ir as ir
import pytest

from modelpack.graph.compatibility.table import shipped_table
from modelpack.graph.recipes.element_types import ElementTypes
from tests.support.branching import if_model, loop_model, scan_model
from tests.support.recipes import narrowed, two_layers


def types_of(proto: onnx.ModelProto | ir.Model) -> dict[str, str]:
    """The type of each value that a node makes or a graph is given, as nothing in the graph states it."""
    model = proto if isinstance(proto, ir.Model) else ir.from_proto(proto)
    made = [value for node in model.graph.all_nodes() for value in node.outputs]
    given = [value for graph in model.graph.subgraphs() for value in graph.inputs]
    for value in (*made, *given):
        value.type = None
    types = ElementTypes(model, shipped_table())
    return {value.name or "": types.of(value) for value in (*made, *given)}


@pytest.mark.parametrize(
    ("proto", "expected"),
    [
        (if_model(), {"a": "float", "then_y": "float", "y": "float"}),
        (loop_model(), {"carried": "float", "on": "bool", "seen": "float", "each": "float"}),
        (scan_model(), {"given": "float", "next": "float", "y": "float", "each": "float"}),
    ],
    ids=["if", "loop", "scan"],
)
def test_types_reach_into_subgraphs_and_out(
    proto: onnx.ModelProto, expected: dict[str, str]
) -> None:
    assert types_of(proto).items() >= expected.items()


def test_types_go_on_behind_operators_of_onnxruntime() -> None:
    model = narrowed(two_layers(), "q4", "webgpu").model
    assert types_of(model)["b"] == "float"
