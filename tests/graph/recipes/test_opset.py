from __future__ import annotations

import onnx_ir as ir
from onnx import helper

from modelpack.graph.recipes.opset import at_least, opset_of
from tests.support import onnx_models
from tests.support.onnx_models import value


def test_at_least_newer_model_is_the_same_object() -> None:
    model = ir.from_proto(onnx_models.mlp())
    assert at_least(model, 13) is model


def test_at_least_older_model_is_raised_despite_unused_domains() -> None:
    proto = onnx_models.mlp()
    proto.opset_import[0].version = 9
    proto.opset_import.append(helper.make_opsetid("com.microsoft.nchwc", 1))
    raised = at_least(ir.from_proto(proto), 13)
    assert opset_of(raised) == 13
    assert [output.name for output in raised.graph.outputs] == ["logits"]


def test_at_least_what_onnx_cannot_convert_stays() -> None:
    node = helper.make_node("Thing", ["x"], ["y"], "/thing", domain="example.org")
    proto = onnx_models.model([node], [value("x", [1])], [value("y", [1])], [])
    proto.opset_import[0].version = 9
    proto.opset_import.append(helper.make_opsetid("example.org", 1))
    model = ir.from_proto(proto)
    assert opset_of(at_least(model, 13)) in {9, 13}
