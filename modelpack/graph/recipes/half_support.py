"""Which nodes are worth computing in half precision on a device: those it has a kernel for, by what is known of it."""

from __future__ import annotations

from typing import Final

import onnx
import onnx_ir as ir
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST

from modelpack.graph.compatibility.support import Place, newest_release, support_of
from modelpack.graph.compatibility.table import shipped_table
from modelpack.graph.recipes.element_types import ElementTypes, TypedNode, bodies_of
from modelpack.graph.recipes.opset import opset_of
from modelpack.spec.variants import Device

_STANDARD = ("", "ai.onnx")
_BEST_FIRST: Final[tuple[Place, ...]] = ("device", "wasm", "unknown", "nowhere")
# Their output's type is written in an attribute: float32 stays what they give.
WRITTEN = frozenset(
    {"Cast", "CastLike", "Constant", "ConstantOfShape", "EyeLike", "RandomNormalLike"}
)
# They read or give float32 alone, which the converter does not know: it writes models that do not load.
_QUANTIZED = frozenset(
    {"DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "QLinearAdd", "QGemm"}
)
_LEFT = frozenset({*DEFAULT_OP_BLOCK_LIST, *WRITTEN, "RandomUniformLike", "Bernoulli"})


class HalfSupport:
    """What the newest known release of onnxruntime-web runs in float16 on the device."""

    def __init__(self, model: ir.Model, types: ElementTypes, device: Device) -> None:
        table = shipped_table()
        self._support = support_of(table, newest_release(table), device)
        self._types, self._opset = types, opset_of(model)

    def can_be_half(self, node: ir.Node) -> bool:
        """Whether the operator is defined for float16 here, and computes in float32 nothing but what its definition says."""
        typed = self._types.node(node)
        if typed is None or node.op_type in _LEFT or any(bodies_of(node)):
            return False
        floats = [formal for formal, kind in typed.bound.items() if kind == "float"]
        outputs = zip(node.outputs, typed.outputs, strict=True)
        all_known = all("tensor(" in formal or typed.bound.get(formal) for _, formal in outputs)
        return bool(floats) and all_known and self._is_defined(node, floats)

    def loses_device(self, node: ir.Node) -> bool:
        """Whether the device computes the node in float32, but not in float16: recurrences on WebGPU are such."""
        typed = self._types.node(node)
        if typed is None or self._support is None:
            return False
        return _rank(self._place(node, typed, "float16")) > _rank(self._place(node, typed, "float"))

    def _place(self, node: ir.Node, typed: TypedNode, kind: str) -> Place:
        operator = node.op_type if node.domain in _STANDARD else f"{node.domain}.{node.op_type}"
        bound = {name: kind if found == "float" else found for name, found in typed.bound.items()}
        support = self._support
        if support is None:
            return "unknown"
        return support.place(operator, typed.signature.since, bound)

    def _is_defined(self, node: ir.Node, floats: list[str]) -> bool:
        typed = self._types.node(node)
        if typed is None:
            return False
        if node.domain not in _STANDARD:  # no schema here: what the device has a kernel for
            return self._place(node, typed, "float16") == "device"
        schema = onnx.defs.get_schema(node.op_type, self._opset, "")
        allowed = {one.type_param_str: one.allowed_type_strs for one in schema.type_constraints}
        return all("tensor(float16)" in allowed.get(name, ()) for name in floats)


def needs_care(model: ir.Model, device: Device) -> bool:
    """Whether onnxruntime's converter would do wrong by the model: subgraphs, steps of integers, nodes that lose the device."""
    nodes = list(model.graph.all_nodes())
    if len(list(model.graphs())) > 1 or any(node.op_type in _QUANTIZED for node in nodes):
        return True
    support = HalfSupport(model, ElementTypes(model, shipped_table()), device)
    return any(map(support.loses_device, nodes))


def _rank(place: Place) -> int:
    return _BEST_FIRST.index(place)
