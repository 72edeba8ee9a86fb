from __future__ import annotations

import onnx
import onnxruntime as ort
import pytest
from onnx import helper

from modelpack.errors import SourceError
from modelpack.graph.support import IR_VERSIONS, OPSETS, check_support, opset_of
from tests.support import onnx_models


def with_versions(opset: int, ir_version: int) -> onnx.ModelProto:
    model = onnx_models.mlp()
    model.opset_import[0].version = opset
    model.ir_version = ir_version
    return model


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("ir_version", IR_VERSIONS)
def test_support_ends_where_onnxruntime_ends(opset: int, ir_version: int) -> None:
    model = with_versions(opset, ir_version)

    check_support(model)

    options = ort.SessionOptions()
    options.log_severity_level = 3
    ort.InferenceSession(model.SerializeToString(), options)


@pytest.mark.parametrize(("opset", "ir_version"), [(27, 8), (6, 8), (17, 14), (17, 2)])
def test_support_ends_beyond(opset: int, ir_version: int) -> None:
    with pytest.raises(SourceError):
        check_support(with_versions(opset, ir_version))


@pytest.mark.parametrize("domain", ["", "ai.onnx"])
def test_opset_of_either_name_of_the_domain(domain: str) -> None:
    model = onnx_models.mlp()
    model.opset_import[0].domain = domain

    assert opset_of(model) == 17


def test_support_foreign_operator_in_a_subgraph_is_named() -> None:
    model = onnx_models.if_net()
    branch = model.graph.node[0].attribute[0].g
    branch.node.append(helper.make_node("Odd", ["x"], ["odd"], "/deep", domain="com.acme"))

    with pytest.raises(SourceError, match=r'node "/deep" uses Odd of "com.acme"'):
        check_support(model)


@pytest.mark.parametrize("operator", ["Upsample", "SimplifiedLayerNormalization", "Affine"])
def test_support_operators_onnxruntime_still_has_are_known(operator: str) -> None:
    model = onnx_models.mlp()
    model.graph.node.append(helper.make_node(operator, ["x"], ["z"]))

    check_support(model)
